# Everything is healthy.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks: A
inject() { :; }
drive() { req http://shop.lan/ 3; req http://api.lan/ 3; req http://web.lan/ 3; }
undo() { :; }
