# A rewrite takes the address of the backend from a variable, and nobody listens there: only the error log names it.
# expect-cause: upstream-port-wrong|app-unit-stopped
# expect-subject: 127\.0\.0\.1:8311
# expect-confidence: confirmed|likely
# client: 503
# nobody: skip
# marks: T
inject() {
    without_nginx
    pyunit intranet 8301
    await_port 8301
    apache_site intranet rewrite <<'A'
SetEnvIf Host "^intranet" backend=127.0.0.1:8311
RewriteEngine On
RewriteCond %{REQUEST_URI} !^/static/
RewriteRule ^/(.*)$ "http://%{ENV:backend}/$1" [P,L]
A
}
drive() { req http://intranet.lan/ 4; }
undo() { sed -i 's,8311,8301,' /etc/apache2/sites-enabled/intranet.conf; systemctl reload apache2; sleep 1; }
