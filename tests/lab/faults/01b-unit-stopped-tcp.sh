# The same over TCP: a Python backend with a name of its own.
# expect-cause: app-unit-stopped
# expect-subject: ledger\.service
# client: 502
# marks: A
# repair: verified
# repair-user: nobody
inject() {
    pyunit ledger 7311 && await_port 7311
    vhost books <<<'location / { proxy_pass http://127.0.0.1:7311; }'
    req http://books.lan/ 2 >/dev/null
    systemctl stop ledger
}
drive() { req http://books.lan/; }
undo() { systemctl start ledger; }
