# Two FPM children, slow pages for eight people.
# expect-cause: fpm-max-children
# expect-subject: php8\.2-fpm
# client: 502
# marks: A
inject() {
    sed -i -e 's/^pm = .*/pm = dynamic/' -e 's/^pm.max_children.*/pm.max_children = 2/' -e 's/^pm.start_servers.*/pm.start_servers = 1/' \
        -e 's/^pm.min_spare_servers.*/pm.min_spare_servers = 1/' -e 's/^pm.max_spare_servers.*/pm.max_spare_servers = 1/' \
        -e 's/^;*listen.backlog.*/listen.backlog = 1/' /etc/php/8.2/fpm/pool.d/www.conf
    systemctl restart php8.2-fpm
}
drive() {
    local i
    for i in 1 2; do (setsid curl -s -o /dev/null -m 40 'http://shop.lan/?sleep=25' &) ; sleep 1.2; done
    for i in 1 2 3 4 5 6; do (setsid curl -s -o /dev/null -m 40 'http://shop.lan/?sleep=25' &) ; done
    sleep 1
    req http://shop.lan/ 4
}
undo() { false; }
