# A typing error in a vhost, then a restart: nginx is gone.
# expect-cause: proxy-config-invalid
# expect-subject: nginx
# client: 000
# marks: A
inject() {
    sed -i 's|proxy_pass http://web_nodes;|proxy_pass http://web_nodes|' /etc/nginx/sites-enabled/web
    systemctl restart nginx
    await_unit nginx failed
}
drive() { req http://web.lan/ 2; }
undo() { sed -i 's|proxy_pass http://web_nodes$|proxy_pass http://web_nodes;|' /etc/nginx/sites-enabled/web; systemctl reset-failed nginx; systemctl start nginx; }
