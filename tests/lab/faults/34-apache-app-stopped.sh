# Apache answers 503 when the application is stopped. Another unit has failed too, and has no part in it.
# expect-cause: app-unit-stopped
# expect-subject: app\.service
# client: 503
# repair: verified
# marks: T
inject() {
    without_nginx
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    req http://api.lan/ 2 >/dev/null
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo target disk is missing; exit 4"\n' | unit backup
    systemctl start backup
    systemctl stop app
}
drive() { req http://api.lan/; }
undo() { systemctl start app; await_port 8000; }
