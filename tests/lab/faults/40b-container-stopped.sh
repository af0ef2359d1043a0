# docker stop of a program that ignores SIGTERM: exit 137, and no memory kill.
# expect-cause: container-exited
# expect-subject: couriers
# forbid: oom
# client: 502
# marks: T
inject() {
    docker_up
    docker run -d --name couriers -p 127.0.0.1:3410:80 lab:bb sh -c 'httpd -p 80 -h /www; while :; do sleep 1; done' >/dev/null
    vhost couriers <<<'location / { proxy_pass http://127.0.0.1:3410; }'
    req http://couriers.lan/ 1 >/dev/null
    docker stop -t 1 couriers >/dev/null
}
drive() { req http://couriers.lan/; }
undo() { docker rm -f couriers >/dev/null; }
