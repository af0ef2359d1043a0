# A name in proxy_pass no longer resolves; nginx does not start for that.
# expect-cause: dns-unresolvable-at-start
# expect-subject: nginx|search\.internal
# client: 000
# marks:
inject() {
    echo 'nameserver 127.0.0.1' >/etc/resolv.conf
    echo '127.0.0.1 search.internal' >>/etc/hosts
    vhost search <<<'location / { proxy_pass http://search.internal:8000; }'
    req http://search.lan/ 2 >/dev/null
    sed '/search.internal/d' /etc/hosts >/root/hosts && cat /root/hosts >/etc/hosts
    systemctl restart nginx 2>/dev/null
    await_unit nginx failed
}
drive() { req http://search.lan/ 2; }
undo() { echo '127.0.0.1 search.internal' >>/etc/hosts; systemctl reset-failed nginx; systemctl start nginx; await_port 80; }
