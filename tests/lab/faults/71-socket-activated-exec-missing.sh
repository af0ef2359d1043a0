# A socket unit starts a service whose program is not there; nothing but the socket names the port.
# expect-cause: app-exec-missing
# expect-subject: lazy\.service
# client: 502
# marks:
inject() {
    printf '[Socket]\nListenStream=127.0.0.1:6060\n[Install]\nWantedBy=sockets.target\n' >/etc/systemd/system/lazy.socket
    printf '[Service]\nExecStart=/opt/lazy/bin/serve\n' | unit lazy
    systemctl start lazy.socket
    vhost lazy <<<'location / { proxy_pass http://127.0.0.1:6060; }'
}
drive() { req http://lazy.lan/ 12 0.3; }
undo() { printf '[Service]\nExecStart=/usr/bin/python3 /srv/app/server.py 6060\n' | unit lazy; systemctl stop lazy.socket; systemctl reset-failed; systemctl start lazy; await_port 6060; }
