# A slow application behind HAProxy, which waits two seconds.
# expect-cause: proxy-read-timeout
# expect-subject: 127\.0\.0\.1:8000|apps
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 504
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    timeout server 2s
    server app1 127.0.0.1:8000
H
    req http://api.lan/ 2 >/dev/null
}
drive() { req 'http://api.lan/slow?s=3' 3; }
undo() { false; }
