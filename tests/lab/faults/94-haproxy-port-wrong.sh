# The server line names a port where nothing listens; the application is alive on another one.
# expect-cause: upstream-port-wrong
# expect-subject: 127\.0\.0\.1:3100
# expect-confidence: confirmed|likely
# client: 503
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
listen web
    bind :80
    retries 1
    server node1 127.0.0.1:3100
H
}
drive() { req http://web.lan/ 3; }
undo() { false; }
