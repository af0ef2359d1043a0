# The outer nginx gives up before the inner one: the client sees 504, the inner one writes 499.
# expect-cause: timeout-chain-inverted|proxy-read-timeout
# expect-subject: 127\.0\.0\.1:8(000|081)
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 504
# marks: T
inject() {
    printf 'server {\n    listen 127.0.0.1:8081;\n    access_log /var/log/nginx/inner.log;\n    location / { proxy_read_timeout 60s; proxy_pass http://127.0.0.1:8000; }\n}\n' >/etc/nginx/conf.d/inner.conf
    vhost outer <<<'location / { proxy_read_timeout 2s; proxy_pass http://127.0.0.1:8081; }'
    req http://outer.lan/ 2 >/dev/null
}
drive() { req 'http://outer.lan/slow?s=3' 3; }
undo() { false; }
