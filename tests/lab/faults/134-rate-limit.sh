# nginx itself sends visitors away: limit_req.
# expect-cause: proxy-rate-limit-503
# expect-subject: nginx|api|burst
# expect-status: failing|degraded
# expect-exit: 1|2
# forbid: upstream-sent-5xx|app-
# client: 503
# marks: T
inject() {
    echo 'limit_req_zone $server_name zone=burst:1m rate=2r/s;' >/etc/nginx/conf.d/limits.conf
    sed -i 's|location / {|location / { limit_req zone=burst;|' /etc/nginx/sites-enabled/api
    reload_nginx
}
drive() { req http://api.lan/ 12 0.05; }
undo() { sed -i 's|limit_req zone=burst;||' /etc/nginx/sites-enabled/api; reload_nginx; }
