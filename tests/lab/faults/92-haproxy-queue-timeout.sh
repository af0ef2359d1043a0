# The server may have one connection at a time, the page is slow: the others wait in the queue until they are sent away.
# expect-cause: haproxy-queue-timeout
# expect-subject: app1|apps|127\.0\.0\.1:8000
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 503
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    timeout queue 1s
    server app1 127.0.0.1:8000 maxconn 1
H
    req http://api.lan/ 2 >/dev/null
}
drive() { local i; for i in 1 2; do (setsid curl -s -o /dev/null -m 40 'http://api.lan/slow?s=15' &) ; done; sleep 0.5; req http://api.lan/ 3; }
undo() { false; }
