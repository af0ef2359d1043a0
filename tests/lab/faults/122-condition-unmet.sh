# The unit was skipped: the file of its condition is not there.
# expect-cause: app-unit-condition-skipped
# expect-subject: tickets\.service
# client: 502
# marks: T
inject() {
    mkdir -p /etc/tickets && touch /etc/tickets/enabled
    pyunit tickets 7722
    sed -i 's|^\[Unit\]|[Unit]\nConditionPathExists=/etc/tickets/enabled|' /etc/systemd/system/tickets.service
    systemctl daemon-reload
    systemctl restart tickets && await_port 7722
    vhost tickets <<<'location / { proxy_pass http://127.0.0.1:7722; }'
    req http://tickets.lan/ 2 >/dev/null
    rm /etc/tickets/enabled
    systemctl restart tickets
    await_no_port 7722
}
drive() { req http://tickets.lan/; }
undo() { touch /etc/tickets/enabled; systemctl start tickets; await_port 7722; }
