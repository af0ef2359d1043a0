# One instance of a template unit is stopped beside its sibling: systemd no longer knows that it ever was.
# expect-cause: app-unit-stopped
# expect-subject: worker@01\.service
# others-at-most: possible
# client: 502
# marks:
inject() {
    printf '[Service]\nExecStart=/usr/bin/python3 /srv/app/server.py 50%%i\n' >/etc/systemd/system/worker@.service
    systemctl daemon-reload
    systemctl start worker@01 worker@02 && await_port 5001 && await_port 5002
    vhost pool <<<'location / { proxy_pass http://127.0.0.1:5001; } location /b { proxy_pass http://127.0.0.1:5002; }'
    req http://pool.lan/ 2 >/dev/null
    systemctl stop worker@01
}
drive() { req http://pool.lan/; }
undo() { systemctl start worker@01; }
