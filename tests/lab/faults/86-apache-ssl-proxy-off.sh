# The backend's address became https://, and SSLProxyEngine is off.
# expect-cause: apache-ssl-proxy-off
# expect-subject: 127\.0\.0\.1:8443|ledger
# client: 500
# marks:
inject() {
    without_nginx
    certificate ledger.internal
    tls_unit ledger.internal 8443
    apache_site ledger ssl <<<'ProxyPass / https://127.0.0.1:8443/'
}
drive() { req http://ledger.lan/; }
undo() { false; }
