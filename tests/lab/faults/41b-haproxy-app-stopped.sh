# HAProxy without checks: it tries the stopped application each time and answers 503 by itself.
# expect-cause: app-unit-stopped
# expect-subject: app\.service
# client: 503
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    retries 1
    server app1 127.0.0.1:8000
H
    req http://api.lan/ 2 >/dev/null
    systemctl stop app
}
drive() { req http://api.lan/ 3; }
undo() { systemctl start app; await_port 8000; }
