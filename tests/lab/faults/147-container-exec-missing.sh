# A new container names a program that the image does not have: it was created and never ran.
# expect-cause: container-exec-missing
# expect-subject: exports
# client: 502
# marks:
inject() {
    docker_up
    docker run -d --name exports -p 127.0.0.1:3700:8080 lab:bb httpd -f -p 8080 -h /www >/dev/null
    vhost exports <<<'location / { proxy_pass http://127.0.0.1:3700; }'
    await_port 3700
    req http://exports.lan/ 2 >/dev/null
    docker rm -f exports >/dev/null
    docker run -d --name exports -p 127.0.0.1:3700:8080 lab:bb /app/server --port 8080 >/dev/null 2>&1
    true
}
drive() { req http://exports.lan/; }
undo() { docker rm -f exports >/dev/null; docker run -d --name exports -p 127.0.0.1:3700:8080 lab:bb httpd -f -p 8080 -h /www >/dev/null; await_port 3700; }
