# A typing error in a virtual host, then a restart: Apache is gone.
# expect-cause: proxy-config-invalid
# expect-subject: apache
# client: 000
# marks:
inject() {
    without_nginx
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    req http://api.lan/ 2 >/dev/null
    sed -i 's/ProxyPass /ProxyPas /' /etc/apache2/sites-enabled/api.conf
    systemctl restart apache2 2>/dev/null
    await_unit apache2 failed
}
drive() { req http://api.lan/ 2; }
undo() { sed -i 's/ProxyPas /ProxyPass /' /etc/apache2/sites-enabled/api.conf; systemctl reset-failed apache2; systemctl start apache2; await_port 80; }
