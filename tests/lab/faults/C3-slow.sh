# A slow backend: nginx's own timer ends the request with 504.
# expect-cause: proxy-read-timeout
# expect-subject: 127\.0\.0\.1:8000
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 504
# marks: A
inject() { sed -i 's|proxy_pass|proxy_read_timeout 2s; proxy_pass|' /etc/nginx/sites-enabled/api; reload_nginx; }
drive() { req 'http://api.lan/slow?s=3' 3; }
undo() { sed -i 's|proxy_read_timeout 2s; ||' /etc/nginx/sites-enabled/api; reload_nginx; }
