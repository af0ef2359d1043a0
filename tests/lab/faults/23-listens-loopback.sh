# The container is "Up" and the port "published", but the application listens on the container's own loopback.
# expect-cause: container-listens-loopback
# expect-subject: notes
# client: 502
# marks: A T
# repair: refused setting must change
inject() {
    docker_up
    docker run -d --name notes -p 127.0.0.1:8844:5000 lab:bb httpd -f -p 127.0.0.1:5000 -h /www >/dev/null
    vhost notes <<<'location / { proxy_pass http://127.0.0.1:8844; }'
    await_port 8844
}
drive() { req http://notes.lan/; }
undo() { docker rm -f notes >/dev/null; }
