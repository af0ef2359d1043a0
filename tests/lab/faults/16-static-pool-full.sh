# One FPM child, a short queue, slow pages: the queue of the unix socket overflows. A static pool logs nothing.
# expect-cause: fpm-max-children|unix-backlog-full
# expect-subject: php8\.2-fpm
# client: 502
# marks:
inject() {
    sed -i -e 's/^pm = .*/pm = static/' -e 's/^pm.max_children.*/pm.max_children = 1/' -e 's/^;*listen.backlog.*/listen.backlog = 1/' \
        /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm
}
drive() { for i in 1 2 3 4 5 6 7; do (setsid curl -s -o /dev/null -m 40 'http://shop.lan/?sleep=20' &) ; done; sleep 0.7; req http://shop.lan/ 4; }
undo() { false; }
