# proxy_pass https:// to an application that speaks plain HTTP.
# expect-cause: tls-to-plain-port
# expect-subject: 127\.0\.0\.1:3000|web_nodes
# client: 502
# marks: A
# repair: verified
inject() { sed -i 's|http://web_nodes|https://web_nodes|' /etc/nginx/sites-enabled/web; reload_nginx; }
drive() { req http://web.lan/; }
undo() { sed -i 's|https://web_nodes|http://web_nodes|' /etc/nginx/sites-enabled/web; reload_nginx; }
