# The check asks on a port of its own where nothing listens; the application answers on its port.
# expect-cause: health-check-wrong
# expect-subject: 127\.0\.0\.1:3000|127\.0\.0\.1:3999|nodes?\b
# forbid: app-
# client: 503
# marks: T
inject() {
    without_nginx
    haproxy_conf <<'H'
frontend www
    bind *:80
    use_backend nodes if { hdr(host) -i web.lan }
backend nodes
    balance roundrobin
    server node1 127.0.0.1:3000 check port 3999 inter 300ms fall 2
H
    sleep 1.5
}
drive() { req http://web.lan/; }
undo() { false; }
