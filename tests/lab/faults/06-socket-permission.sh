# The socket belongs to root and nobody else may write to it.
# expect-cause: unix-socket-permission
# expect-subject: php8\.2-fpm
# client: 502
# marks: A
# repair: verified
inject() { chown root:root /run/php/php8.2-fpm.sock; chmod 600 /run/php/php8.2-fpm.sock; }
drive() { req http://shop.lan/; }
undo() { systemctl restart php8.2-fpm; }
