# PHP-FPM ends a request that takes longer than request_terminate_timeout.
# expect-cause: app-request-timeout-kill
# expect-subject: php8\.2-fpm
# forbid: oom-
# client: 502
# marks: T
inject() {
    sed -i 's|^;*request_terminate_timeout.*|request_terminate_timeout = 1s|' /etc/php/8.2/fpm/pool.d/www.conf
    grep -q '^request_terminate_timeout' /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm
    sleep 0.5
}
drive() { req 'http://shop.lan/?sleep=9' 2; }
undo() { false; }
