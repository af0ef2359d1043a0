# The socket's mode is right, a directory above it is closed.
# expect-cause: unix-socket-dir-permission
# expect-subject: /run/pools/intranet\.sock
# client: 502
# marks:
# repair: verified
inject() {
    install -d -m 755 /run/pools
    sed -e 's/^\[www\]/[intranet]/' -e 's|^listen = .*|listen = /run/pools/intranet.sock|' \
        /etc/php/8.2/fpm/pool.d/www.conf >/etc/php/8.2/fpm/pool.d/intranet.conf
    systemctl restart php8.2-fpm
    sed -e 's/shop.lan/intranet.lan/' -e 's|unix:[^;]*|unix:/run/pools/intranet.sock|' /etc/nginx/sites-enabled/shop |
        sed -e '1,3d' -e '$d' | vhost intranet
    req http://intranet.lan/ 2 >/dev/null
    chmod 700 /run/pools
}
drive() { req http://intranet.lan/; }
undo() { chmod 755 /run/pools; }
