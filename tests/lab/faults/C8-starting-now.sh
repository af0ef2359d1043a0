# A backend was restarted two seconds ago and is still loading: it will answer by itself.
# expect-cause: app-boot-window
# expect-subject: reports\.service
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 502
# nobody: skip
# marks:
inject() {
    pyunit reports 7020
    sed -i "s|^ExecStart=.*|ExecStart=/bin/sh -c 'sleep 5; exec /usr/bin/python3 /srv/app/server.py 7020'|" /etc/systemd/system/reports.service
    systemctl daemon-reload
    await_port 7020
    vhost reports <<<'location / { proxy_pass http://127.0.0.1:7020; }'
    req http://reports.lan/ 2 >/dev/null
    systemctl restart reports
    await_no_port 7020
}
drive() { req http://reports.lan/ 4 0.4; }
undo() { await_port 7020; }
