# SetHandler names the socket of the PHP version before the upgrade.
# expect-cause: unix-socket-path-mismatch
# expect-subject: php8\.1-fpm\.sock
# client: 503
# marks:
inject() {
    without_nginx
    apache_site shop <<'A'
DocumentRoot /var/www/shop
DirectoryIndex index.php
<Directory /var/www/shop>
    Require all granted
    <FilesMatch "\.ph(p|ar|tml)$">
        SetHandler "proxy:unix:/run/php/php8.1-fpm.sock|fcgi://localhost/"
    </FilesMatch>
</Directory>
A
}
drive() { req http://shop.lan/; }
undo() { false; }
