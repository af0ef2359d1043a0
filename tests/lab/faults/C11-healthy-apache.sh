# Apache in front of all three applications, all healthy, with traffic. nginx is installed and not used.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() {
    systemctl disable -q --now nginx
    rm -f /var/log/nginx/*
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    apache_site web proxy_balancer lbmethod_byrequests <<'A'
<Proxy "balancer://nodes">
    BalancerMember http://127.0.0.1:3000
    BalancerMember http://127.0.0.1:8000 status=+H
</Proxy>
ProxyPass / balancer://nodes/
A
    apache_site shop <<'A'
DocumentRoot /var/www/shop
DirectoryIndex index.php
<FilesMatch "\.php$">
    SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/"
</FilesMatch>
A
}
drive() { req http://shop.lan/ 4; req http://api.lan/ 4; req http://web.lan/ 4; }
undo() { false; }
