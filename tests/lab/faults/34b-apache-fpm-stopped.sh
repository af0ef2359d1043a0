# Apache with SetHandler to the socket of a stopped PHP-FPM.
# expect-cause: app-unit-stopped
# expect-subject: php8\.2-fpm\.service
# client: 503
# marks:
inject() {
    without_nginx
    apache_site shop <<'A'
DocumentRoot /var/www/shop
DirectoryIndex index.php
<FilesMatch "\.php$">
    SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/"
</FilesMatch>
A
    req http://shop.lan/ 2 >/dev/null
    systemctl stop php8.2-fpm
}
drive() { req http://shop.lan/; }
undo() { systemctl start php8.2-fpm; }
