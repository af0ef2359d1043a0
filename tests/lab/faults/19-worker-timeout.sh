# Gunicorn kills a worker that is stuck for longer than its --timeout; the kernel had no part in it.
# expect-cause: app-request-timeout-kill
# expect-subject: app\.service|127\.0\.0\.1:8000
# forbid: oom-
# client: 502
# marks: T
inject() {
    sed -i 's|--workers 1|--workers 1 --timeout 2|' /etc/systemd/system/app.service
    systemctl daemon-reload
    systemctl restart app && await_port 8000
}
drive() { req http://api.lan/count 3; }
undo() { false; }
