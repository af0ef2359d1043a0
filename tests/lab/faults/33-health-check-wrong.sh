# HAProxy asks for a page that the application does not have; users would be served well.
# expect-cause: health-check-wrong
# expect-subject: 127\.0\.0\.1:8000|apps?\b
# forbid: app-|upstream-port-wrong
# client: 503
# marks: T
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    option httpchk GET /health
    default-server inter 300ms fall 2
    server app1 127.0.0.1:8000 check
H
    sleep 1.5
}
drive() { req http://api.lan/; }
undo() { false; }
