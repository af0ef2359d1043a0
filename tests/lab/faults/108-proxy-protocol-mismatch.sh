# A second server of nginx waits for the PROXY line, the first one does not send it.
# expect-cause: proxy-protocol-mismatch
# expect-subject: 127\.0\.0\.1:8081
# client: 502
# marks: T
inject() {
    printf 'server {\n    listen 127.0.0.1:8081 proxy_protocol;\n    location / { proxy_pass http://127.0.0.1:8000; }\n}\n' >/etc/nginx/conf.d/inner.conf
    vhost inner <<<'location / { proxy_pass http://127.0.0.1:8081; }'
}
drive() { req http://inner.lan/; }
undo() { rm /etc/nginx/sites-enabled/inner /etc/nginx/conf.d/inner.conf; reload_nginx; }
