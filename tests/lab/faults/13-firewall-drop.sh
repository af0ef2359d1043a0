# The packets to the backend are dropped.
# expect-cause: firewall-drop
# expect-subject: 127\.0\.0\.1:8000
# client: 504
# marks:
inject() {
    sed -i 's|proxy_pass|proxy_connect_timeout 2s; proxy_pass|' /etc/nginx/sites-enabled/api
    reload_nginx
    iptables -I INPUT -p tcp --dport 8000 -j DROP
}
drive() { req http://api.lan/ 2; }
undo() { iptables -D INPUT -p tcp --dport 8000 -j DROP; }
