# The page with the cookie of 70 kB behind Apache, whose line says "No space left on device"; a disk is 60 % full.
# expect-cause: response-header-too-big
# expect-subject: 127\.0\.0\.1:8000
# expect-status: degraded|failing
# expect-exit: 1|2
# forbid: disk-|inodes-
# client: 502
# marks: T
inject() {
    without_nginx
    mkdir -p /srv/cache && mount -t tmpfs -o size=10m none /srv/cache && dd if=/dev/zero of=/srv/cache/pages bs=1M count=6 2>/dev/null
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    req http://api.lan/ 2 >/dev/null
}
drive() { req http://api.lan/account 4; req http://api.lan/ 2 >/dev/null; }
undo() { false; }
