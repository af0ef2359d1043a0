# The application dies in the middle of its answer: the status is 200, and half of the page.
# expect-cause: response-truncated
# expect-subject: 127\.0\.0\.1:3644|pages
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 200
# marks: T
inject() {
    nodeunit pages 3644 <<'J'
const http = require('http');
http.createServer((q, r) => { r.setHeader('Content-Length', 100000); r.write('x'.repeat(40000), () => setTimeout(() => r.socket.destroy(), 50)); }).listen(Number(process.argv[2]), '127.0.0.1');
J
    await_port 3644
    vhost pages <<<'location / { proxy_pass http://127.0.0.1:3644; }'
}
drive() { req http://pages.lan/; }
undo() { false; }
