# The program's port was taken by an old copy of it that somebody left running in a terminal.
# expect-cause: app-port-in-use
# expect-subject: search|127\.0\.0\.1:7442
# client: 404
# marks: T
inject() {
    supervised search 'user=www-data' 'startretries=50' <<<'/usr/bin/python3 /srv/app/server.py 7442'
    await_program search RUNNING && await_port 7442
    vhost search <<<'location / { proxy_pass http://127.0.0.1:7442; }'
    req http://search.lan/ 2 >/dev/null
    supervisorctl stop search >/dev/null
    cd /var/tmp && setsid nohup python3 -m http.server --bind 127.0.0.1 7442 >/dev/null 2>&1 </dev/null &
    await_port 7442
    supervisorctl start search >/dev/null
    await_program search BACKOFF
}
drive() { req http://search.lan/x 4; }
undo() { false; }
