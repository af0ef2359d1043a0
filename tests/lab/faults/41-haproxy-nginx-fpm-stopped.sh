# HAProxy in front of nginx in front of PHP-FPM, which is stopped: nginx answers 502 and HAProxy passes it on.
# expect-cause: app-unit-stopped
# expect-subject: php8\.2-fpm\.service
# client: 502
# repair: verified
# marks:
inject() {
    nginx_on 8080
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend nginx
backend nginx
    server web1 127.0.0.1:8080
H
    req http://shop.lan/ 2 >/dev/null
    systemctl stop php8.2-fpm
}
drive() { req http://shop.lan/; }
undo() { systemctl start php8.2-fpm; }
