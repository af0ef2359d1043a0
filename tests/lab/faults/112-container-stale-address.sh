# The backend's container was made anew and has another address; the gateway still asks the old one.
# expect-cause: container-stale-ip|dns-stale-ip
# expect-subject: shop-api|172\.|api
# client: 50[24]
# nobody: skip
# marks:
inject() {
    docker_up
    docker network create shopnet >/dev/null
    docker run -d --name shop-api-1 --network shopnet --network-alias api lab:bb /bin/httpd -f -p 8080 -h /www >/dev/null
    edge_up shopnet 'server { listen 80; location / { proxy_connect_timeout 4s; proxy_pass http://api:8080; } }'
    ip=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)
    sleep 1
    req "http://$ip/" 2 >/dev/null
    docker rm -f shop-api-1 >/dev/null
    docker run -d --name metrics --network shopnet lab:bb sleep 900 >/dev/null
    docker run -d --name shop-api-1 --network shopnet --network-alias api lab:bb /bin/httpd -f -p 8080 -h /www >/dev/null
}
drive() { req "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)/" 3; }
undo() { docker restart -t 1 edge >/dev/null; sleep 1; }
