# The backend speaks TLS 1.3 only, nginx is held to 1.2.
# expect-cause: tls-version-or-cipher
# expect-subject: 127\.0\.0\.1:8443
# client: 502
# marks: T
inject() {
    certificate vault.internal
    tls_unit vault.internal 8443 'c.minimum_version = ssl.TLSVersion.TLSv1_3'
    vhost vault <<<'location / { proxy_ssl_protocols TLSv1.2; proxy_pass https://127.0.0.1:8443; }'
}
drive() { req http://vault.lan/; }
undo() { sed -i 's|proxy_ssl_protocols TLSv1.2; ||' /etc/nginx/sites-enabled/vault; reload_nginx; }
