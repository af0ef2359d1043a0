# A page takes five seconds and its callers wait for one: they leave, and nobody here says an error.
# expect-cause: client-abort-499
# expect-subject: 127\.0\.0\.1:8000
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 000
# marks: T
inject() { sed -i 's|--workers 1|--workers 4|' /etc/systemd/system/app.service; systemctl daemon-reload; systemctl restart app; await_port 8000; req http://api.lan/ 2 >/dev/null; }
drive() { local i; for i in 1 2 3 4 5; do curl -s -o /dev/null -m 1 -w '%{http_code}\n' 'http://api.lan/slow?s=5'; done; }
undo() { false; }
