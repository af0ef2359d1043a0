# A gateway in a container without systemd and without Docker's socket; what it passes to was never started there.
# expect-cause: app-unit-stopped
# expect-subject: 127\.0\.0\.1:8000
# expect-confidence: possible
# forbid: upstream-port-wrong
# client: 502
# exec: edge
# nobody: skip
# marks:
inject() {
    docker_up
    edge_up bridge 'server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }' files
    docker rm -f edge >/dev/null
    docker run -d --name edge -v /opt/gatemedic:/opt/gatemedic:ro lab:edge /usr/sbin/nginx -g 'daemon off;' >/dev/null
    docker exec -d edge /bin/busybox nc -lk -p 9777 -e /bin/cat
    sleep 1
}
drive() { req "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' edge)/" 3; }
undo() { false; }
