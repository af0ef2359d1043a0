# A container on the host's network was stopped: no published port leads to it, its command does.
# expect-cause: container-exited
# expect-subject: reports-1
# client: 502
# nobody: skip
# marks:
inject() {
    docker_up
    docker run -d --name reports-1 --network host lab:bb /bin/httpd -f -p 8282 -h /www >/dev/null
    await_port 8282
    vhost reports <<<'location / { proxy_pass http://127.0.0.1:8282; }'
    req http://reports.lan/ 2 >/dev/null
    docker stop -t 1 reports-1 >/dev/null
}
drive() { req http://reports.lan/; }
undo() { docker start reports-1 >/dev/null; await_port 8282; }
