# The address that the application binds to has moved away from this host, as a floating one does.
# expect-cause: app-bind-address-missing
# expect-subject: depot\.service|10\.77\.0\.5:7734
# client: 50[24]
# marks:
inject() {
    ip link add v0 type veth peer name v1
    ip addr add 10.77.0.1/24 dev v0; ip link set v0 up; ip link set v1 up
    ip addr add 10.77.0.5/24 dev v0
    pyunit depot 7734
    sed -i 's|7734$|7734 10.77.0.5|' /etc/systemd/system/depot.service
    systemctl daemon-reload
    systemctl restart depot && await_port 7734
    vhost depot <<<'location / { proxy_pass http://10.77.0.5:7734; }'
    req http://depot.lan/ 2 >/dev/null
    ip addr del 10.77.0.5/24 dev v0
    systemctl restart depot
    await_unit depot failed
}
drive() { req http://depot.lan/ 2; }
undo() { ip addr add 10.77.0.5/24 dev v0; systemctl reset-failed depot; systemctl start depot; await_port 7734; }
