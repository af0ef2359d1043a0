# The same, then a reload: the old configuration goes on serving, and the next restart would end it.
# expect-cause: proxy-config-invalid
# expect-subject: nginx
# expect-confidence: confirmed|likely
# expect-status: degraded
# expect-exit: 1
# client: 200
# marks: A
inject() {
    sed -i 's|listen 80;|listen 80 default_servr;|' /etc/nginx/sites-enabled/api
    systemctl reload nginx
    true
}
drive() { req http://web.lan/ 2; req http://api.lan/ 2; }
undo() { sed -i 's| default_servr||' /etc/nginx/sites-enabled/api; reload_nginx; }
