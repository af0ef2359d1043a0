# Published to port 80 of the container, the application inside listens on 3000.
# expect-cause: container-port-mapping-wrong
# expect-subject: storefront
# client: 502
# marks: A
inject() {
    docker_up
    docker run -d --name storefront -p 127.0.0.1:3200:80 lab:bb httpd -f -p 3000 -h /www >/dev/null
    vhost store <<<'location / { proxy_pass http://127.0.0.1:3200; }'
    await_port 3200
}
drive() { req http://store.lan/; }
undo() { docker rm -f storefront >/dev/null; }
