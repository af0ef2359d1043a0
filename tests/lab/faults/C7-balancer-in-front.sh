# The load balancer in front of this host makes the 502: it knocks on a port that was never served here. This host answers 200.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# expect-url: "arrived": false.*"blame": "in-front"
# args: --url http://public.lan/
# in-front: nginx
# client: 502
# nobody: skip
# marks:
inject() { req http://web.lan/ 3 >/dev/null; req http://shop.lan/ 2 >/dev/null; }
drive() { req http://public.lan/ 3; }
undo() { false; }
