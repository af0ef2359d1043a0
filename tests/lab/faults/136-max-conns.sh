# The group's only server may have one connection, and a slow page holds it.
# expect-cause: upstream-max-conns
# expect-subject: solo|127\.0\.0\.1:8000
# client: 502
# marks: T
inject() {
    printf 'upstream solo { zone solo 64k; server 127.0.0.1:8000 max_conns=1; server 127.0.0.1:3000 max_conns=1 down; }\n' >/etc/nginx/conf.d/solo.conf
    vhost solo <<<'location / { proxy_pass http://solo; }'
    req http://solo.lan/ 2 >/dev/null
}
drive() { (setsid curl -s -o /dev/null -m 40 'http://solo.lan/slow?s=20' &); sleep 0.5; req http://solo.lan/; }
undo() { sed -i 's/max_conns=1//' /etc/nginx/conf.d/solo.conf; reload_nginx; }
