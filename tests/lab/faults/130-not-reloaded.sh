# The wrong port was corrected in the file an hour after the deploy, and nobody reloaded nginx.
# expect-cause: config-not-reloaded
# expect-subject: nginx|127\.0\.0\.1:8080|/etc/nginx/sites-enabled/api
# client: 502
# marks: T
inject() {
    sed -i 's|127.0.0.1:8000|127.0.0.1:8080|' /etc/nginx/sites-enabled/api
    reload_nginx
    sleep 1.2
    sed -i 's|127.0.0.1:8080|127.0.0.1:8000|' /etc/nginx/sites-enabled/api
}
drive() { sleep 1.1; req http://api.lan/; }
undo() { reload_nginx; }
