# The application was moved to a port that its user may not take.
# expect-cause: app-bind-failed
# expect-subject: kiosk\.service|127\.0\.0\.1:81\b
# client: 502
# marks:
inject() {
    mount -o remount,rw /proc/sys
    echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
    pyunit kiosk 81
    await_unit kiosk failed
    vhost kiosk <<<'location / { proxy_pass http://127.0.0.1:81; }'
}
drive() { req http://kiosk.lan/; }
undo() { echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start; systemctl reset-failed kiosk; systemctl start kiosk; await_port 81; }
