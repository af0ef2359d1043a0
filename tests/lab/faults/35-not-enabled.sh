# PHP-FPM was disabled once, and the machine was rebooted.
# expect-cause: unit-not-enabled
# expect-subject: php8\.2-fpm\.service
# reboot: yes
# client: 502
# marks:
# repair: verified
inject() { systemctl disable -q php8.2-fpm; }
drive() { req http://shop.lan/; }
undo() { systemctl enable -q --now php8.2-fpm; }
