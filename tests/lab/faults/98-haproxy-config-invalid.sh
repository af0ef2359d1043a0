# A backend was renamed and the frontend still names the old one; then a restart.
# expect-cause: proxy-config-invalid
# expect-subject: haproxy
# client: 000
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
    sed -i 's/^backend apps/backend api_servers/' /etc/haproxy/haproxy.cfg
    systemctl restart haproxy 2>/dev/null
    await_unit haproxy failed
}
drive() { req http://api.lan/ 2; }
undo() { sed -i 's/^backend api_servers/backend apps/' /etc/haproxy/haproxy.cfg; systemctl reset-failed haproxy; systemctl start haproxy; await_port 80; }
