# A container stopped by itself with an exit code of its own; the reason is in its log.
# expect-cause: container-exited
# expect-subject: invoices
# client: 502
# marks: A
# repair: refused ended by itself
inject() {
    docker_up
    docker run -d --name invoices -p 127.0.0.1:3400:8080 lab:bb sh -c 'httpd -p 8080 -h /www; sleep 1.5; echo "config: invoices.toml line 4: unknown key \"currencyy\"" >&2; exit 78' >/dev/null
    vhost invoices <<<'location / { proxy_pass http://127.0.0.1:3400; }'
    req http://invoices.lan/ 1 >/dev/null
    await_container invoices exited
}
drive() { req http://invoices.lan/; }
undo() { docker rm -f invoices >/dev/null; }
