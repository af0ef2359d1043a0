# A variable in proxy_pass that carries no scheme.
# expect-cause: proxy-url-invalid
# expect-subject: nginx|/etc/nginx/sites-enabled/blue
# client: 500
# marks:
inject() {
    vhost blue <<'N'
set $target "127.0.0.1:8000";
location / { proxy_pass $target; }
N
}
drive() { req http://blue.lan/; }
undo() { sed -i 's|"127|"http://127|' /etc/nginx/sites-enabled/blue; reload_nginx; }
