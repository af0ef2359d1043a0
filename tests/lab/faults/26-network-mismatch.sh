# nginx in a container on one network, the application on another: isolation drops the packets.
# expect-cause: container-network-mismatch
# expect-subject: catalog
# client: 504
# exec: host
# marks:
inject() {
    docker_up
    systemctl stop nginx
    docker network create frontnet >/dev/null
    docker network create backnet >/dev/null
    docker run -d --name catalog --network backnet lab:bb httpd -f -p 8088 -h /www >/dev/null
    local ip
    ip=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' catalog)
    edge_up frontnet "server { listen 80; location / { proxy_connect_timeout 2s; proxy_pass http://$ip:8088; } }"
    sleep 1
}
drive() { req "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)/" 2; }
undo() { false; }
