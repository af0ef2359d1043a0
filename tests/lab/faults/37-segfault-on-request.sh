# One URL crashes the process; systemd restarts it, so the next request may work.
# expect-cause: app-crash-signal
# expect-subject: thumbs\.service
# client: 502
# marks: A
# repair: refused restart will not help
inject() {
    pyunit thumbs 5150 Restart=always RestartSec=300ms
    sed -i 's/^\[Unit\]/[Unit]\nStartLimitIntervalSec=0/' /etc/systemd/system/thumbs.service
    systemctl daemon-reload
    await_port 5150
    vhost thumbs <<<'location / { proxy_pass http://127.0.0.1:5150; }'
    req http://thumbs.lan/ 2 >/dev/null
}
drive() { local i; for i in 1 2 3 4; do req http://thumbs.lan/thumb/$i 1 0.1; await_port 5150; req http://thumbs.lan/ 1 0.1; done; req http://thumbs.lan/thumb/9 1 0; }
undo() { systemctl restart thumbs; await_port 5150; }
