# Node meets the limit of its own heap: exit 134, and the kernel knows nothing of it.
# expect-cause: node-heap-oom
# expect-subject: reports\.service
# forbid: oom-cgroup|oom-global
# client: 502
# marks: T
inject() {
    nodeunit reports 3610 'Environment=NODE_OPTIONS=--max-old-space-size=24' <<'J'
const http = require('http');
http.createServer((q, r) => {
  if (q.url === '/year') { const all = []; for (;;) all.push({ line: String(Math.random()), at: new Date() }); }
  r.end('ok\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
J
    await_port 3610
    vhost reports <<<'location / { proxy_pass http://127.0.0.1:3610; }'
    req http://reports.lan/ 2 >/dev/null
    req http://reports.lan/year 1 >/dev/null
    await_unit reports failed
}
drive() { req http://reports.lan/; }
undo() { systemctl reset-failed reports; systemctl start reports; await_port 3610; }
