# After a PHP upgrade the vhost still names the old version's socket.
# expect-cause: unix-socket-path-mismatch
# expect-subject: php8\.1-fpm\.sock
# client: 502
# marks: A
# repair: verified
inject() { sed -i 's|php8.2-fpm.sock|php8.1-fpm.sock|' /etc/nginx/sites-enabled/shop; reload_nginx; }
drive() { req http://shop.lan/; }
undo() { sed -i 's|php8.1-fpm.sock|php8.2-fpm.sock|' /etc/nginx/sites-enabled/shop; reload_nginx; }
