# nginx has a /tmp of its own, FPM listens in the real one.
# expect-cause: unix-socket-private-tmp
# expect-subject: /tmp/fpm\.sock
# client: 502
# marks: T
inject() {
    mkdir -p /etc/systemd/system/nginx.service.d
    printf '[Service]\nPrivateTmp=yes\n' >/etc/systemd/system/nginx.service.d/hardening.conf
    sed -i 's|^listen = .*|listen = /tmp/fpm.sock|' /etc/php/8.2/fpm/pool.d/www.conf
    sed -i 's|unix:/run/php/php8.2-fpm.sock|unix:/tmp/fpm.sock|' /etc/nginx/sites-enabled/shop
    systemctl daemon-reload
    systemctl restart php8.2-fpm nginx
}
drive() { req http://shop.lan/; }
undo() { false; }
