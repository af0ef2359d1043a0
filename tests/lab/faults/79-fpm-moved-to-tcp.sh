# The pool listens on a port now, the vhost still names the socket.
# expect-cause: unix-socket-path-mismatch
# expect-subject: php8\.2-fpm\.service
# client: 502
# marks:
inject() { sed -i 's|^listen = .*|listen = 127.0.0.1:9000|' /etc/php/8.2/fpm/pool.d/www.conf; systemctl restart php8.2-fpm; await_port 9000; }
drive() { req http://shop.lan/; }
undo() { sed -i 's|^listen = .*|listen = /run/php/php8.2-fpm.sock|' /etc/php/8.2/fpm/pool.d/www.conf; systemctl restart php8.2-fpm; sleep 1; }
