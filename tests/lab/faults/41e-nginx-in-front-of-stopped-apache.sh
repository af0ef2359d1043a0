# nginx in front of Apache, which is stopped: the gateway behind is what has to be started.
# expect-cause: app-unit-stopped|proxy-not-running
# expect-subject: apache2
# client: 502
# marks:
inject() {
    sed -i 's/^Listen 80$/Listen 127.0.0.1:8080/' /etc/apache2/ports.conf
    mkdir -p /var/www/old && echo old >/var/www/old/index.html
    printf '<VirtualHost 127.0.0.1:8080>\n    ServerName old.lan\n    DocumentRoot /var/www/old\n</VirtualHost>\n' >/etc/apache2/sites-enabled/old.conf
    systemctl enable -q apache2 2>/dev/null
    systemctl start apache2 && await_port 8080
    vhost old <<<'location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Host $host; }'
    req http://old.lan/ 2 >/dev/null
    systemctl stop apache2
}
drive() { req http://old.lan/; }
undo() { systemctl start apache2; await_port 8080; }
