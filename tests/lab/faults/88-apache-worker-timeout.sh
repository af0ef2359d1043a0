# Gunicorn kills its own worker for being too slow; Apache in front answers 502.
# expect-cause: app-request-timeout-kill
# expect-subject: app\.service|127\.0\.0\.1:8000
# forbid: oom-
# client: 502
# marks: T
inject() {
    without_nginx
    sed -i 's|--workers 1|--workers 1 --timeout 2|' /etc/systemd/system/app.service
    systemctl daemon-reload
    systemctl restart app && await_port 8000
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    req http://api.lan/ 2 >/dev/null
}
drive() { req http://api.lan/count 3; }
undo() { false; }
