# The vhost names the IPv6 loopback, the application listens on IPv4 only.
# expect-cause: upstream-addr-family
# expect-subject: \[?::1\]?:8000
# client: 502
# marks: A
inject() { sed -i 's|127.0.0.1:8000|[::1]:8000|' /etc/nginx/sites-enabled/api; reload_nginx; }
drive() { req http://api.lan/; }
undo() { sed -i 's|\[::1\]:8000|127.0.0.1:8000|' /etc/nginx/sites-enabled/api; reload_nginx; }
