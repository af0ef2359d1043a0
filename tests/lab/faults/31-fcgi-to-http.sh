# fastcgi_pass to a port that speaks HTTP.
# expect-cause: protocol-fcgi-to-http
# expect-subject: 127\.0\.0\.1:3000
# client: 502
# marks:
inject() {
    vhost legacy <<<'location / { include fastcgi_params; fastcgi_pass 127.0.0.1:3000; }'
}
drive() { req http://legacy.lan/; }
undo() { rm /etc/nginx/sites-enabled/legacy; reload_nginx; }
