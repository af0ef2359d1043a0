# A variable in proxy_pass, and no resolver at all.
# expect-cause: dns-no-resolver
# expect-subject: tiles\.internal|nginx
# client: 502
# marks:
inject() {
    vhost tiles <<'N'
location / {
    set $backend tiles.internal;
    proxy_pass http://$backend:8000;
}
N
}
drive() { req http://tiles.lan/; }
undo() { rm /etc/nginx/sites-enabled/tiles; reload_nginx; }
