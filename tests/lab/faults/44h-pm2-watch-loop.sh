# PM2 watches the folder of a program that writes into it, and so restarts it without end.
# expect-cause: app-restart-loop
# expect-subject: feed
# client: 502
# nobody: skip
# marks: T
inject() {
    vhost feed <<'N'
location / { proxy_pass http://127.0.0.1:8622; }
N
    pm2_app feed 8622 --watch <<'J'
const fs = require('fs');
setInterval(() => fs.appendFileSync(__dirname + '/data.json', 'x'), 600);
setTimeout(() => require('http').createServer((q, r) => r.end('ok\n')).listen(Number(process.argv[2]), '127.0.0.1'), 900);
J
    sleep 8
}
drive() { req http://feed.lan/ 8 0.4; }
undo() { as_deploy pm2 delete feed >/dev/null; pm2_app feed 8622 <<<"$WEB_JS"; await_port 8622; }
