# The backend's certificate was made by another authority than the one that nginx trusts.
# expect-cause: tls-untrusted-ca
# expect-subject: 127\.0\.0\.1:8443
# client: 502
# marks:
inject() {
    certificate vault.internal
    tls_unit vault.internal 8443
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout /dev/null -out /srv/tls/old-ca.pem -subj '/CN=Last year' 2>/dev/null
    vhost vault <<'N'
location / {
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /srv/tls/old-ca.pem;
    proxy_ssl_name vault.internal;
    proxy_pass https://127.0.0.1:8443;
}
N
}
drive() { req http://vault.lan/; }
undo() { sed -i 's|old-ca|ca|' /etc/nginx/sites-enabled/vault; reload_nginx; }
