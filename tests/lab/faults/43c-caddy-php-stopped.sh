# Caddy with php_fastcgi to the socket of a stopped PHP-FPM.
# expect-cause: app-unit-stopped
# expect-subject: php8\.2-fpm\.service
# client: 502
# marks:
inject() {
    without_nginx
    chmod 666 /run/php/php8.2-fpm.sock
    caddy_conf <<'C'
http://shop.lan {
	root * /var/www/shop
	php_fastcgi unix//run/php/php8.2-fpm.sock
	log
}
C
    req http://shop.lan/ 2 >/dev/null
    systemctl stop php8.2-fpm
}
drive() { req http://shop.lan/; }
undo() { systemctl start php8.2-fpm; chmod 666 /run/php/php8.2-fpm.sock; }
