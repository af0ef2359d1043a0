# Everything is healthy, and the gateway logs to syslog only: whether requests fail cannot be seen.
# expect-cause: -
# expect-status: unknown
# expect-exit: 3
# client: 200
# marks:
inject() {
    sed -i 's|^\s*error_log .*|error_log syslog:server=127.0.0.1:5514;|; s|^\s*access_log .*|access_log syslog:server=127.0.0.1:5514;|' /etc/nginx/nginx.conf
    reload_nginx
}
drive() { req http://shop.lan/ 2; req http://api.lan/ 2; req http://web.lan/ 2; }
undo() { false; }
