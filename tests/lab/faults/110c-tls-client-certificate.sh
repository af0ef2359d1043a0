# The backend wants a certificate of its clients, and nginx shows none.
# expect-cause: tls-client-cert-required
# expect-subject: 127\.0\.0\.1:8443
# client: 502
# marks: T
inject() {
    certificate vault.internal
    tls_unit vault.internal 8443 'c.verify_mode = ssl.CERT_REQUIRED; c.load_verify_locations("/srv/tls/ca.pem"); c.maximum_version = ssl.TLSVersion.TLSv1_2'
    vhost vault <<<'location / { proxy_pass https://127.0.0.1:8443; }'
}
drive() { req http://vault.lan/; }
undo() { sed -i 's|proxy_pass|proxy_ssl_certificate /srv/tls/vault.internal.pem; proxy_ssl_certificate_key /srv/tls/vault.internal.key; proxy_pass|' /etc/nginx/sites-enabled/vault; reload_nginx; }
