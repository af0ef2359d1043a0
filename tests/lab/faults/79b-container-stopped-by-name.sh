# The gateway is a container and names its backend by a network alias; that container was stopped.
# expect-cause: container-exited
# expect-subject: shop-api-1
# client: 50[24]
# nobody: skip
# marks:
inject() {
    docker_up
    docker network create shopnet >/dev/null
    docker run -d --name shop-api-1 --network shopnet --network-alias api lab:bb /bin/httpd -f -p 8080 -h /www >/dev/null
    edge_up shopnet 'server { listen 80; location / { proxy_connect_timeout 5s; proxy_pass http://api:8080; } }'
    ip=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)
    sleep 1
    req "http://$ip/" 2 >/dev/null
    docker stop -t 1 shop-api-1 >/dev/null
}
drive() { req "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)/" 3; }
undo() { docker start shop-api-1 >/dev/null; docker restart -t 1 edge >/dev/null; sleep 1; }
