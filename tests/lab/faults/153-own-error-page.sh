# The gateway shows a page of its own for 502; behind it is a unit that was stopped.
# expect-cause: app-unit-stopped
# expect-subject: app\.service
# client: 502
# repair: verified
# marks:
inject() {
    mkdir -p /var/www/errors && echo '<h1>We are back soon</h1>' >/var/www/errors/502.html
    sed -i 's|location / {|error_page 502 503 504 /502.html; location = /502.html { root /var/www/errors; internal; } location / { proxy_intercept_errors on;|' /etc/nginx/sites-enabled/api
    reload_nginx
    systemctl stop app
}
drive() { req http://api.lan/; }
undo() { systemctl start app; await_port 8000; }
