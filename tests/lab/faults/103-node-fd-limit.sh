# Node may open no more files: it accepts, resets, and writes nothing about it.
# expect-cause: app-fd-limit
# expect-subject: stream\.service|127\.0\.0\.1:3620
# expect-confidence: confirmed|likely
# client: 502
# marks: T
inject() {
    nodeunit stream 3620 LimitNOFILE=64 <<'J'
const http = require('http'), fs = require('fs');
const open = [];
http.createServer((q, r) => {
  if (q.url === '/subscribe') { try { for (;;) open.push(fs.openSync('/etc/hostname')); } catch (e) { /* the next one will tell */ } }
  r.end('ok\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
J
    await_port 3620
    vhost stream <<<'location / { proxy_pass http://127.0.0.1:3620; }'
    req http://stream.lan/ 2 >/dev/null
    req http://stream.lan/subscribe 1 >/dev/null
    (setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/3620; sleep 120' >/dev/null 2>&1 &)
    sleep 0.5
}
drive() { req http://stream.lan/; }
undo() { systemctl restart stream; await_port 3620; }
