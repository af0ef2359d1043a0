# Somebody put the only server into maintenance over the admin socket; the application is well.
# expect-cause: haproxy-server-maint
# expect-subject: app1|apps|127\.0\.0\.1:8000
# forbid: app-
# client: 503
# marks: T
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend apps
backend apps
    server app1 127.0.0.1:8000 check inter 500ms
H
    req http://api.lan/ 2 >/dev/null
    haproxy_says 'set server apps/app1 state maint'
}
drive() { req http://api.lan/; }
undo() { haproxy_says 'set server apps/app1 state ready'; }
