# docker pause: connects fine, never answers.
# expect-cause: container-paused
# expect-subject: search
# client: 504
# marks:
# repair: verified
inject() {
    docker_up
    docker run -d --name search -p 127.0.0.1:9280:9200 lab:bb httpd -f -p 9200 -h /www >/dev/null
    vhost search <<<'location / { proxy_read_timeout 2s; proxy_pass http://127.0.0.1:9280; }'
    await_port 9280
    req http://search.lan/ 1 >/dev/null
    docker pause search >/dev/null
}
drive() { req http://search.lan/ 2; }
undo() { docker unpause search >/dev/null; docker rm -f search >/dev/null; }
