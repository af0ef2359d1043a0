# A rewrite rule with [P] names a port where nothing listens.
# expect-cause: upstream-port-wrong
# expect-subject: 127\.0\.0\.1:3300
# expect-confidence: confirmed|likely
# client: 503
# marks:
inject() {
    without_nginx
    apache_site web rewrite <<'A'
RewriteEngine On
RewriteCond %{REQUEST_URI} !^/assets/
RewriteRule ^/(.*)$ http://127.0.0.1:3300/$1 [P,L]
A
}
drive() { req http://web.lan/; }
undo() { false; }
