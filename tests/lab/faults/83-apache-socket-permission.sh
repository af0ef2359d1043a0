# The socket belongs to root, and Apache's workers are not root.
# expect-cause: unix-socket-permission
# expect-subject: php8\.2-fpm
# client: 503
# marks:
inject() {
    without_nginx
    apache_site shop <<'A'
DocumentRoot /var/www/shop
ProxyPassMatch "^/(.*\.php)$" "unix:/run/php/php8.2-fpm.sock|fcgi://localhost/var/www/shop/"
A
    req http://shop.lan/index.php 2 >/dev/null
    chown root:root /run/php/php8.2-fpm.sock
    chmod 600 /run/php/php8.2-fpm.sock
}
drive() { req http://shop.lan/index.php; }
undo() { systemctl restart php8.2-fpm; }
