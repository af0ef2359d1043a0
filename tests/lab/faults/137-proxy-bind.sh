# proxy_bind names an address that this host does not have.
# expect-cause: proxy-bind-address-missing
# expect-subject: 192\.0\.2\.7|nginx
# client: 500
# marks:
inject() { sed -i 's|proxy_pass|proxy_bind 192.0.2.7; proxy_pass|' /etc/nginx/sites-enabled/api; reload_nginx; }
drive() { req http://api.lan/; }
undo() { sed -i 's|proxy_bind 192.0.2.7; ||' /etc/nginx/sites-enabled/api; reload_nginx; }
