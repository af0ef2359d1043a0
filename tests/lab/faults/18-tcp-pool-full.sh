# A TCP pool whose accept queue is full: the SYN is dropped, nginx waits and answers 504.
# expect-cause: tcp-accept-queue-full|fpm-max-children
# expect-subject: php8\.2-fpm|127\.0\.0\.1:9055
# client: 504
# marks:
inject() {
    sed -i -e 's/^pm = .*/pm = static/' -e 's/^pm.max_children.*/pm.max_children = 1/' -e 's/^;*listen.backlog.*/listen.backlog = 1/' \
        -e 's/^listen = .*/listen = 127.0.0.1:9055/' /etc/php/8.2/fpm/pool.d/www.conf
    sed -i 's|fastcgi_pass .*|fastcgi_connect_timeout 2s; fastcgi_pass 127.0.0.1:9055;|' /etc/nginx/sites-enabled/shop
    systemctl restart php8.2-fpm
    reload_nginx
}
drive() { for i in 1 2 3 4 5 6; do (setsid curl -s -o /dev/null -m 40 'http://shop.lan/?sleep=25' &) ; done; sleep 1; req http://shop.lan/ 2; }
undo() { false; }
