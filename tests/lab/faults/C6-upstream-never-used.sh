# An upstream block that no location uses names a port where nothing listens.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() { echo 'upstream blue { server 127.0.0.1:8311; }' >/etc/nginx/conf.d/blue.conf; reload_nginx; }
drive() { req http://shop.lan/ 3; req http://api.lan/ 3; req http://web.lan/ 3; }
undo() { rm /etc/nginx/conf.d/blue.conf; reload_nginx; }
