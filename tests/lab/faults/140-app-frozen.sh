# The application's process is stopped by a signal: the kernel accepts for it, and nobody answers.
# expect-cause: app-frozen
# expect-subject: napp\.service|127\.0\.0\.1:3000
# client: 504
# marks: T
inject() {
    sed -i 's|proxy_pass|proxy_read_timeout 2s; proxy_pass|' /etc/nginx/sites-enabled/web
    reload_nginx
    systemctl kill -s STOP napp
}
drive() { req http://web.lan/ 3; }
undo() { systemctl kill -s CONT napp; }
