# HAProxy in front of Gunicorn, Node and nginx, checked and healthy; one server is a backup that is down for good.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() {
    nginx_on 8080
    haproxy_conf <<'H'
frontend www
    bind :80
    use_backend apps if { hdr(host) -i api.lan }
    use_backend nodes if { hdr(host) -i web.lan }
    default_backend nginx
backend apps
    option httpchk GET /
    server app1 127.0.0.1:8000 check inter 500ms
backend nodes
    server node1 127.0.0.1:3000 check inter 500ms
    server sorry 127.0.0.1:3999 backup disabled
backend nginx
    server web1 127.0.0.1:8080 check inter 500ms
H
    sleep 1
}
drive() { req http://shop.lan/ 4; req http://api.lan/ 4; req http://web.lan/ 4; }
undo() { false; }
