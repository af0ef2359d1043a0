# Type=notify, and a program that never says that it is ready.
# expect-cause: app-unit-start-timeout
# expect-subject: inbox\.service
# client: 502
# marks:
inject() {
    pyunit inbox 7732 && await_port 7732
    vhost inbox <<<'location / { proxy_pass http://127.0.0.1:7732; }'
    req http://inbox.lan/ 2 >/dev/null
    sed -i 's/^\[Service\]/[Service]\nType=notify\nTimeoutStartSec=2/' /etc/systemd/system/inbox.service
    systemctl daemon-reload
    systemctl restart inbox 2>/dev/null
    await_unit inbox failed
}
drive() { req http://inbox.lan/; }
undo() { sed -i '/^Type=notify/d' /etc/systemd/system/inbox.service; systemctl daemon-reload; systemctl reset-failed inbox; systemctl start inbox; await_port 7732; }
