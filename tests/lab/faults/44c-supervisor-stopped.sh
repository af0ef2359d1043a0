# Somebody stopped the program with supervisorctl.
# expect-cause: app-stopped-by-operator
# expect-subject: tickets
# client: 502
# repair: verified
# marks:
inject() {
    supervised tickets 'user=www-data' 'redirect_stderr=true' 'stdout_logfile=/var/log/supervisor/tickets.log' <<<'/usr/bin/python3 /srv/app/server.py 7441'
    await_program tickets RUNNING && await_port 7441
    vhost tickets <<<'location / { proxy_pass http://127.0.0.1:7441; }'
    req http://tickets.lan/ 2 >/dev/null
    supervisorctl stop tickets >/dev/null
}
drive() { req http://tickets.lan/; }
undo() { supervisorctl start tickets >/dev/null; await_port 7441; }
