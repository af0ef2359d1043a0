# nginx itself was stopped.
# expect-cause: proxy-not-running
# expect-subject: nginx
# client: 000
# marks: A
inject() { systemctl stop nginx; }
drive() { req http://shop.lan/ 2; }
undo() { systemctl start nginx; }
