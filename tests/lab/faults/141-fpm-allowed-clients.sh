# The pool accepts connections of another host only, and closes those of this gateway.
# expect-cause: fpm-allowed-clients
# expect-subject: php8\.2-fpm|127\.0\.0\.1:9077
# client: 502
# marks: T
inject() {
    sed -i -e 's|^listen = .*|listen = 127.0.0.1:9077|' -e 's|^;*listen.allowed_clients.*|listen.allowed_clients = 10.0.0.7|' /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm && await_port 9077
    sed -i 's|fastcgi_pass .*|fastcgi_pass 127.0.0.1:9077;|' /etc/nginx/sites-enabled/shop
    reload_nginx
}
drive() { req http://shop.lan/; }
undo() { sed -i 's|^listen.allowed_clients.*|;|' /etc/php/8.2/fpm/pool.d/www.conf; systemctl restart php8.2-fpm; await_port 9077; }
