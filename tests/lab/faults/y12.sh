# proxy_ssl to a backend requiring SNI (aborts without)
inject() {
    certificate sni DNS:sni.lan; tls_unit snib 5212x 2>/dev/null; cp /srv/tls/sni.pem /srv/tls/snib.pem; cp /srv/tls/sni.key /srv/tls/snib.key; tls_unit snib 5212 'def need(sock, name, ctx):
    if name is None: return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
c.sni_callback = need'
    vhost sn <<<'location / { proxy_pass https://127.0.0.1:5212; }'; }
drive() { req http://sn.lan/; }
