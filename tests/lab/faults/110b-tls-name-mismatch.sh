# The certificate is good for another name than the one in proxy_pass.
# expect-cause: tls-name-mismatch
# expect-subject: 127\.0\.0\.1:8443|vault\.internal
# client: 502
# marks:
inject() {
    certificate vault-2024.internal
    tls_unit vault-2024.internal 8443
    echo '127.0.0.1 vault.internal' >>/etc/hosts
    vhost vault <<'N'
location / {
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /srv/tls/ca.pem;
    proxy_pass https://vault.internal:8443;
}
N
}
drive() { req http://vault.lan/; }
undo() { sed -i 's|proxy_pass|proxy_ssl_name vault-2024.internal; proxy_pass|' /etc/nginx/sites-enabled/vault; reload_nginx; }
