# Someone stopped PHP-FPM.
# expect-cause: app-unit-stopped
# expect-subject: php8\.2-fpm\.service
# client: 502
# marks: A
# repair: verified
inject() { systemctl stop php8.2-fpm; }
drive() { req http://shop.lan/; }
undo() { systemctl start php8.2-fpm; }
