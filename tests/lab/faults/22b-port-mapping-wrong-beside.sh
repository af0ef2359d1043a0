# The same, but nginx and gatemedic run in a container beside it (host network, Docker socket mounted):
# the other container's processes are not visible, so the two port faults cannot always be told apart.
# expect-cause: container-port-mapping-wrong|container-listens-loopback
# expect-subject: storefront
# expect-confidence: confirmed|likely|possible
# client: 502
# exec: edge
# nobody: skip
# marks: A
inject() {
    docker_up
    systemctl stop nginx
    docker run -d --name storefront -p 127.0.0.1:3200:80 lab:bb httpd -f -p 3000 -h /www >/dev/null
    edge_up host 'server { listen 80; server_name store.lan; location / { proxy_pass http://127.0.0.1:3200; } }'
    await_port 80
}
drive() { req http://127.0.0.1/; }
undo() { false; }
