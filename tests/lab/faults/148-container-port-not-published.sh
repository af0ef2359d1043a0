# The container runs and was started without its port.
# expect-cause: container-port-not-published
# expect-subject: invoices|127\.0\.0\.1:3710
# client: 502
# marks:
inject() {
    docker_up
    docker run -d --name invoices --label app=invoices lab:bb httpd -f -p 3710 -h /www >/dev/null
    vhost invoices <<<'location / { proxy_pass http://127.0.0.1:3710; }'
    await_container invoices running
}
drive() { req http://invoices.lan/; }
undo() { docker rm -f invoices >/dev/null; docker run -d --name invoices -p 127.0.0.1:3710:3710 lab:bb httpd -f -p 3710 -h /www >/dev/null; await_port 3710; }
