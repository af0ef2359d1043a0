# PHP-FPM listens in /tmp; Debian's unit gives Apache a /tmp of its own.
# expect-cause: unix-socket-private-tmp
# expect-subject: /tmp/fpm\.sock
# client: 503
# marks: T
inject() {
    without_nginx
    sed -i 's|^listen = .*|listen = /tmp/fpm.sock|' /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm
    apache_site shop <<'A'
DocumentRoot /var/www/shop
<FilesMatch "\.php$">
    SetHandler "proxy:unix:/tmp/fpm.sock|fcgi://localhost/"
</FilesMatch>
A
}
drive() { req http://shop.lan/index.php; }
undo() { false; }
