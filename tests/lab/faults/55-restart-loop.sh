# A backend that dies half a second after each start, and systemd that never gives up.
# expect-cause: app-restart-loop
# expect-subject: rates\.service
# client: 502
# marks: A
inject() {
    unit rates <<'U'
[Unit]
Description=Rates
StartLimitIntervalSec=0
[Service]
Environment=LISTEN=127.0.0.1:9314
ExecStart=/bin/sh -c 'sleep 0.4; echo "cannot read /etc/rates.toml: no such file" >&2; exit 1'
Restart=always
RestartSec=1
U
    vhost rates <<<'location / { proxy_pass http://127.0.0.1:9314; }'
    systemctl start rates
    sleep 5
}
drive() { req http://rates.lan/; }
undo() { systemctl stop rates; }
