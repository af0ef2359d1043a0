# The unit was masked and stopped; the gateway reaches it by a name of /etc/hosts.
# expect-cause: app-unit-stopped
# expect-subject: orders\.service
# client: 502
# marks:
inject() {
    grep -q orders.internal /etc/hosts || echo '127.0.0.1 orders.internal' >>/etc/hosts
    pyunit orders 7400 && await_port 7400
    mkdir -p /usr/lib/systemd/system
    mv /etc/systemd/system/orders.service /usr/lib/systemd/system/
    systemctl daemon-reload
    vhost orders <<<'location / { proxy_pass http://orders.internal:7400; }'
    req http://orders.lan/ 2 >/dev/null
    systemctl mask -q --now orders
}
drive() { req http://orders.lan/; }
undo() { systemctl unmask -q orders; systemctl start orders; }
