# One of two servers of a group is stopped: the other one answers every request.
# expect-cause: app-unit-stopped
# expect-subject: n2\.service
# expect-status: degraded
# expect-exit: 1
# client: 200
# marks:
inject() {
    pyunit n1 7001 && pyunit n2 7002 && await_port 7001 && await_port 7002
    printf 'upstream duo { server 127.0.0.1:7001; server 127.0.0.1:7002; }\n' >/etc/nginx/conf.d/duo.conf
    vhost duo <<<'location / { proxy_pass http://duo; }'
    req http://duo.lan/ 3 >/dev/null
    systemctl stop n2
}
drive() { req http://duo.lan/ 8; }
undo() { systemctl start n2; }
