# A bad line in the pool file, then a reload: the master re-executes itself and dies (78/CONFIG).
# expect-cause: app-config-invalid
# expect-subject: php8\.2-fpm\.service
# client: 502
# marks: A
# repair: verified
inject() {
    echo 'garbage = 1' >>/etc/php/8.2/fpm/pool.d/www.conf
    systemctl reload php8.2-fpm
    await_unit php8.2-fpm failed
}
drive() { req http://shop.lan/; }
undo() { sed -i '/^garbage = 1$/d' /etc/php/8.2/fpm/pool.d/www.conf; systemctl reset-failed php8.2-fpm; systemctl start php8.2-fpm; }
