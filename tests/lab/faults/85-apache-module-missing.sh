# ProxyPass is configured, the module that speaks HTTP to a backend is not loaded.
# expect-cause: apache-module-missing
# expect-subject: apache|proxy_http
# client: 500
# marks:
inject() {
    without_nginx
    apache_site api <<<'ProxyPass / http://127.0.0.1:8000/'
    req http://api.lan/ 2 >/dev/null
    a2dismod -q -f proxy_http >/dev/null
    systemctl restart apache2 && await_port 80
}
drive() { req http://api.lan/; }
undo() { a2enmod -q proxy_http >/dev/null; systemctl restart apache2; await_port 80; }
