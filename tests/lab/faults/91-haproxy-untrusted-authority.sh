# HAProxy verifies a backend whose certificate comes from another authority than the configured one.
# expect-cause: tls-untrusted-ca
# expect-subject: 127\.0\.0\.1:8443|vault
# expect-confidence: confirmed|likely
# client: 503
# marks: T
inject() {
    without_nginx
    certificate vault.internal
    tls_unit vault.internal 8443
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout /dev/null -out /etc/haproxy/ca.pem -subj '/CN=Last year' 2>/dev/null
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend vault
backend vault
    retries 1
    server vault1 127.0.0.1:8443 ssl verify required ca-file /etc/haproxy/ca.pem
H
}
drive() { req http://api.lan/ 3; }
undo() { false; }
