# A maintenance switch in the configuration answers 503; every upstream is well.
# expect-cause: proxy-own-answer
# expect-subject: /etc/nginx/sites-enabled/api
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# forbid: upstream-sent-5xx
# client: 503
# marks:
inject() {
    touch /var/www/maintenance.on
    sed -i 's|location / {|location / { if (-f /var/www/maintenance.on) { return 503; }|' /etc/nginx/sites-enabled/api
    reload_nginx
}
drive() { req http://api.lan/; }
undo() { rm /var/www/maintenance.on; }
