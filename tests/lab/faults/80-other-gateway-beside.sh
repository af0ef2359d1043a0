# The host's own gateway answers 503 by itself; a gateway in a container has a dead backend, and nobody asks it.
# expect-cause: proxy-own-answer
# expect-subject: /etc/nginx/sites-enabled/api
# expect-confidence: confirmed|likely
# expect-also: container-exited shop-api-1
# client: 503
# nobody: skip
# marks:
inject() {
    docker_up
    docker network create shopnet >/dev/null
    docker run -d --name shop-api-1 --network shopnet --network-alias api lab:bb /bin/httpd -f -p 8080 -h /www >/dev/null
    edge_up shopnet 'server { listen 80; location / { proxy_pass http://api:8080; } }'
    docker stop -t 1 shop-api-1 >/dev/null
    touch /var/www/maintenance.on
    sed -i 's|location / {|location / { if (-f /var/www/maintenance.on) { return 503; }|' /etc/nginx/sites-enabled/api
    reload_nginx
}
drive() { req http://api.lan/; }
undo() { rm /var/www/maintenance.on; }
