# The same, but the application waits for the rest of a request: the handshake times out and the client sees 504.
# Silence alone proves less than an answer in plain HTTP does.
# expect-cause: tls-to-plain-port
# expect-subject: 127\.0\.0\.1:8000
# expect-confidence: confirmed|likely
# client: 504
# marks: A
inject() {
    sed -i 's|proxy_pass http://|proxy_connect_timeout 2s; proxy_pass https://|' /etc/nginx/sites-enabled/api
    reload_nginx
}
drive() { req http://api.lan/ 2; }
undo() { sed -i 's|proxy_connect_timeout 2s; proxy_pass https://|proxy_pass http://|' /etc/nginx/sites-enabled/api; reload_nginx; }
