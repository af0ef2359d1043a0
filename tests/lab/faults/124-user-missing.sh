# The unit's user was deleted.
# expect-cause: app-workdir-or-user-missing
# expect-subject: notes\.service
# client: 502
# marks:
inject() {
    useradd -r notes
    printf '[Service]\nUser=notes\nExecStart=/usr/bin/python3 /srv/app/server.py 7724\n' | unit notes
    systemctl start notes && await_port 7724
    vhost notes <<<'location / { proxy_pass http://127.0.0.1:7724; }'
    req http://notes.lan/ 2 >/dev/null
    systemctl stop notes
    userdel notes
    systemctl start notes 2>/dev/null
    await_unit notes failed
}
drive() { req http://notes.lan/; }
undo() { useradd -r notes; systemctl reset-failed notes; systemctl start notes; await_port 7724; }
