# proxy_pass to the port of a PHP-FPM pool.
# expect-cause: protocol-http-to-fcgi
# expect-subject: 127\.0\.0\.1:9077
# client: 502
# marks: T
inject() {
    sed -i 's|^listen = .*|listen = 127.0.0.1:9077|' /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm && await_port 9077
    sed -i 's|fastcgi_pass .*|fastcgi_pass 127.0.0.1:9077;|' /etc/nginx/sites-enabled/shop
    vhost forum <<<'location / { proxy_pass http://127.0.0.1:9077; }'
    req http://shop.lan/ 2 >/dev/null
}
drive() { req http://forum.lan/; req http://shop.lan/ 2 >/dev/null; }
undo() { rm /etc/nginx/sites-enabled/forum; reload_nginx; }
