# A container is killed by the kernel at its memory limit.
# expect-cause: container-oomkilled
# expect-subject: basket
# client: 502
# marks: A
# repair: verified
inject() {
    docker_up
    docker run -d --name basket -m 24m -p 127.0.0.1:3100:80 lab:bb sh -c 'httpd -p 80 -h /www; sleep 1.5; exec dd if=/dev/zero of=/dev/null bs=200M' >/dev/null
    vhost basket <<<'location / { proxy_pass http://127.0.0.1:3100; }'
    req http://basket.lan/ 1 >/dev/null
    await_container basket exited
}
drive() { req http://basket.lan/; }
undo() { docker rm -f basket >/dev/null; }
