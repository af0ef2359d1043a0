# With checks HAProxy knows that its server is down and tries nobody.
# expect-cause: app-unit-stopped
# expect-subject: app\.service
# client: 503
# marks:
inject() {
    without_nginx
    haproxy_conf <<'H'
listen api
    bind :80
    option httpchk GET /
    server app1 127.0.0.1:8000 check inter 300ms fall 2 rise 2
H
    sleep 1
    req http://api.lan/ 2 >/dev/null
    systemctl stop app
    sleep 1.2
}
drive() { req http://api.lan/; }
undo() { systemctl start app; await_port 8000; sleep 1; }
