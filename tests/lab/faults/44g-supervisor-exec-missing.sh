# A deploy moved the program that Supervisor starts.
# expect-cause: app-exec-missing|supervisor-fatal
# expect-subject: thumbs
# client: 502
# marks:
inject() {
    install -D -m 755 /dev/stdin /opt/thumbs/1.4/bin/thumbs <<'S'
#!/bin/sh
exec /usr/bin/python3 /srv/app/server.py 7443
S
    supervised thumbs 'startretries=1' <<<'/opt/thumbs/1.4/bin/thumbs --port 7443'
    await_port 7443
    vhost thumbs <<<'location / { proxy_pass http://127.0.0.1:7443; }'
    req http://thumbs.lan/ 2 >/dev/null
    mv /opt/thumbs/1.4 /opt/thumbs/1.5
    kill "$(supervisorctl pid thumbs)"
    await_program thumbs FATAL
}
drive() { req http://thumbs.lan/; }
undo() { mv /opt/thumbs/1.5 /opt/thumbs/1.4; supervisorctl start thumbs >/dev/null; await_port 7443; }
