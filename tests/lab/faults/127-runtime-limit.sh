# systemd ends the unit because it has run for as long as it may.
# expect-cause: app-runtime-max
# expect-subject: feeds\.service
# client: 502
# marks:
inject() {
    pyunit feeds 7733 RuntimeMaxSec=2 && await_port 7733
    vhost feeds <<<'location / { proxy_pass http://127.0.0.1:7733; }'
    req http://feeds.lan/ 2 >/dev/null
    await_unit feeds failed
}
drive() { req http://feeds.lan/; }
undo() { systemctl reset-failed feeds; systemctl start feeds; await_port 7733; }
