# The disk on which the application keeps its state is full, and it ends for that.
# expect-cause: disk-full-app
# expect-subject: spool\.service|/srv/spool
# client: 502
# marks:
inject() {
    mkdir -p /srv/spool/data && mount -t tmpfs -o size=1m none /srv/spool/data
    { echo 'state = open("/srv/spool/data/state", "wb"); state.write(bytes(4096)); state.flush()'; cat /srv/app/server.py; } >/srv/spool/main.py
    printf '[Service]\nWorkingDirectory=/srv/spool/data\nExecStart=/usr/bin/python3 /srv/spool/main.py 7713\n' | unit spool
    systemctl start spool && await_port 7713
    vhost spool <<<'location / { proxy_pass http://127.0.0.1:7713; }'
    req http://spool.lan/ 2 >/dev/null
    rm /srv/spool/data/state
    systemctl stop spool
    dd if=/dev/zero of=/srv/spool/data/old bs=4k count=300 2>/dev/null
    systemctl start spool
    await_unit spool failed
}
drive() { req http://spool.lan/; }
undo() { rm /srv/spool/data/old; systemctl reset-failed spool; systemctl start spool; await_port 7713; }
