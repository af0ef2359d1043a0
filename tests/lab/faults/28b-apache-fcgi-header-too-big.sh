# The same from PHP, for which Apache answers 500 and says only that it cannot parse the headers.
# expect-cause: response-header-too-big|response-header-invalid
# expect-confidence: confirmed|likely
# expect-subject: php8\.2-fpm
# expect-status: degraded|failing
# expect-exit: 1|2
# forbid: disk-|inodes-
# client: 500
# marks: T
inject() {
    without_nginx
    apache_site shop rewrite <<'A'
DocumentRoot /var/www/shop
FallbackResource /index.php
<FilesMatch "\.php$">
    SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/"
</FilesMatch>
A
    req http://shop.lan/ 2 >/dev/null
}
drive() { req http://shop.lan/basket 4; req http://shop.lan/ 2 >/dev/null; }
undo() { false; }
