# The application closes idle connections after 5 s, nginx keeps them for 60 s: a POST that meets the close fails.
# The server closes at the very moment the request arrives, so that the race is met every time.
# expect-cause: keepalive-race
# expect-subject: 127\.0\.0\.1:3055|orders
# expect-confidence: confirmed|likely
# expect-status: degraded|failing
# expect-exit: 1|2
# client: 502
# marks:
inject() {
    sed -i "s/^worker_processes.*/worker_processes 1;/" /etc/nginx/nginx.conf
    mkdir -p /srv/orders
    cat >/srv/orders/server.js <<'J'
const http = require('http');
const server = http.createServer((req, res) => { req.resume(); req.on('end', () => res.end('orders\n')); });
server.keepAliveTimeout = 5000;
server.on('connection', (socket) => {
  let last = Date.now();
  const emit = socket.emit;
  socket.emit = function (name, ...rest) {
    if (name === 'data') { if (Date.now() - last > 4000) { socket.destroy(); return true; } last = Date.now(); }
    return emit.call(this, name, ...rest);
  };
  socket.on('data', () => { if (Date.now() - last > 4000) socket.destroy(); last = Date.now(); });
});
server.listen(3055, '127.0.0.1');
J
    printf '[Unit]\nDescription=Orders\n[Service]\nUser=www-data\nExecStart=/usr/bin/node /srv/orders/server.js\n' | unit orders
    systemctl start orders && await_port 3055
    echo 'upstream orders { server 127.0.0.1:3055; keepalive 16; }' >/etc/nginx/conf.d/orders.conf
    vhost orders <<'N'
location / {
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_pass http://orders;
}
N
}
drive() { req -x POST http://orders.lan/ 4 4.4; }
undo() { false; }
