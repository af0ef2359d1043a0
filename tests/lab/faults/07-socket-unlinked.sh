# The socket file is gone while FPM is active.
# expect-cause: unix-socket-unlinked
# expect-subject: php8\.2-fpm
# client: 502
# marks: A T
# repair: verified
inject() { rm /run/php/php8.2-fpm.sock; }
drive() { req http://shop.lan/; }
undo() { systemctl restart php8.2-fpm; }
