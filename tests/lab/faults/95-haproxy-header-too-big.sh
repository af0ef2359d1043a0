# The page with the cookie of 70 kB behind HAProxy.
# expect-cause: response-header-too-big
# expect-subject: 127\.0\.0\.1:8000|apps
# expect-status: degraded|failing
# expect-exit: 1|2
# client: 502
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    server app1 127.0.0.1:8000
H
    req http://api.lan/ 2 >/dev/null
}
drive() { req http://api.lan/account 4; req http://api.lan/ 2 >/dev/null; }
undo() { false; }
