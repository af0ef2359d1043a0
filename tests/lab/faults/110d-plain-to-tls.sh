# The backend was moved to HTTPS, proxy_pass still says http.
# expect-cause: tls-plain-to-https
# expect-subject: 127\.0\.0\.1:3643
# client: 502
# marks: T
inject() {
    certificate web.internal
    nodeunit secure 3643 <<'J'
const https = require('https'), fs = require('fs');
https.createServer({ key: fs.readFileSync('/srv/tls/web.internal.key'), cert: fs.readFileSync('/srv/tls/web.internal.pem') },
  (q, r) => r.end('ok\n')).listen(Number(process.argv[2]), '127.0.0.1');
J
    await_port 3643
    vhost secure <<<'location / { proxy_pass http://127.0.0.1:3643; }'
}
drive() { req http://secure.lan/; }
undo() { sed -i 's|http://127|https://127|' /etc/nginx/sites-enabled/secure; reload_nginx; }
