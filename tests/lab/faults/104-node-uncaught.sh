# One URL throws where nobody catches; systemd starts the process again a second later.
# expect-cause: app-uncaught-exception
# expect-subject: carts\.service
# expect-confidence: confirmed|likely
# client: 502
# marks:
inject() {
    nodeunit carts 3630 Restart=always RestartSec=1 <<'J'
const http = require('http');
http.createServer((q, r) => {
  if (q.url === '/cart') setTimeout(() => { const cart = undefined; r.end(cart.total); }, 10);
  else r.end('ok\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
J
    sed -i 's/^\[Unit\]/[Unit]\nStartLimitIntervalSec=0/' /etc/systemd/system/carts.service
    systemctl daemon-reload
    await_port 3630
    vhost carts <<<'location / { proxy_pass http://127.0.0.1:3630; }'
    req http://carts.lan/ 2 >/dev/null
}
drive() { local i; for i in 1 2 3; do req http://carts.lan/cart 2 0.1; await_port 3630; req http://carts.lan/ 1 0.1; done; req http://carts.lan/cart 1 0; }
undo() { false; }
