# The same, seen from a container beside it (host network, Docker socket mounted).
# expect-cause: container-listens-loopback|container-port-mapping-wrong
# expect-subject: notes
# expect-confidence: confirmed|likely|possible
# client: 502
# exec: edge
# nobody: skip
# marks: A T
inject() {
    docker_up
    systemctl stop nginx
    docker run -d --name notes -p 127.0.0.1:8844:5000 lab:bb httpd -f -p 127.0.0.1:5000 -h /www >/dev/null
    edge_up host 'server { listen 80; server_name notes.lan; location / { proxy_pass http://127.0.0.1:8844; } }' files
    await_port 80
}
drive() { req http://127.0.0.1/; }
undo() { false; }
