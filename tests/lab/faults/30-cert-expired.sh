# The backend's certificate ended yesterday, and nginx verifies it.
# expect-cause: tls-cert-expired
# expect-subject: 127\.0\.0\.1:8443|vault
# client: 502
# marks:
inject() {
    local d=/srv/vault
    mkdir -p $d/ca && cd $d && : >ca/index.txt && echo 01 >ca/serial
    printf '[ca]\ndefault_ca=c\n[c]\ndatabase=ca/index.txt\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
    openssl req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=vault.internal 2>/dev/null
    openssl ca -batch -config ca.cnf -selfsign -keyfile key.pem -in req.pem -out cert.pem -notext \
        -startdate "$(date -u -d '90 days ago' +%y%m%d%H%M%SZ)" -enddate "$(date -u -d '1 day ago' +%y%m%d%H%M%SZ)" 2>/dev/null
    cat >tls.py <<'P'
import http.server, ssl
s = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), http.server.SimpleHTTPRequestHandler)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("/srv/vault/cert.pem", "/srv/vault/key.pem")
s.socket = c.wrap_socket(s.socket, server_side=True)
s.serve_forever()
P
    printf '[Service]\nWorkingDirectory=/srv/vault\nExecStart=/usr/bin/python3 tls.py\n' | unit vault
    systemctl start vault && await_port 8443
    vhost vault <<'N'
location / {
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /srv/vault/cert.pem;
    proxy_ssl_name vault.internal;
    proxy_pass https://127.0.0.1:8443;
}
N
}
drive() { req http://vault.lan/; }
undo() { false; }
