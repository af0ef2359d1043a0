# The vhost names this host's own address, the application listens on the loopback only.
# expect-cause: upstream-bind-interface
# expect-subject: 10\.91\.0\.1:8000
# client: 502
# marks:
inject() { ip addr add 10.91.0.1/32 dev lo; sed -i 's|127.0.0.1:8000|10.91.0.1:8000|' /etc/nginx/sites-enabled/api; reload_nginx; }
drive() { req http://api.lan/; }
undo() { sed -i 's|10.91.0.1:8000|127.0.0.1:8000|' /etc/nginx/sites-enabled/api; reload_nginx; }
