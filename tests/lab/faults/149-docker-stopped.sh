# Docker itself was stopped, and all its containers with it.
# expect-cause: docker-daemon-down
# expect-subject: docker
# client: 502
# marks:
inject() {
    docker_up
    docker run -d --name tours -p 127.0.0.1:3720:8080 lab:bb httpd -f -p 8080 -h /www >/dev/null
    vhost tours <<<'location / { proxy_pass http://127.0.0.1:3720; }'
    await_port 3720
    req http://tours.lan/ 2 >/dev/null
    systemctl stop docker.socket docker
    await_no_port 3720
}
drive() { req http://tours.lan/; }
undo() { systemctl start docker; docker start tours >/dev/null; await_port 3720; }
