# The vhost names a port where nothing listens; the application is alive on another one.
# expect-cause: upstream-port-wrong
# expect-subject: 127\.0\.0\.1:8080
# client: 502
# marks: A
# repair: verified
inject() { sed -i 's|127.0.0.1:8000|127.0.0.1:8080|' /etc/nginx/sites-enabled/api; reload_nginx; }
drive() { req http://api.lan/; }
undo() { sed -i 's|127.0.0.1:8080|127.0.0.1:8000|' /etc/nginx/sites-enabled/api; reload_nginx; }
