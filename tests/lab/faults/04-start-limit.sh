# A backend that exits 1 at once, until systemd gives up.
# expect-cause: app-start-limit-hit
# expect-subject: checkout\.service
# client: 502
# marks: A
# repair: refused restart will not help
inject() {
    unit checkout <<'U'
[Unit]
Description=Checkout
StartLimitBurst=3
StartLimitIntervalSec=60
[Service]
ExecStart=/bin/sh -c 'echo "listening on 127.0.0.1:4107 failed: no license" >&2; exit 1'
Restart=always
RestartSec=200ms
U
    vhost pay <<<'location / { proxy_pass http://127.0.0.1:4107; }'
    systemctl start checkout
    await_unit checkout failed
    sleep 0.5
    await_unit checkout failed
}
drive() { req http://pay.lan/; }
undo() { systemctl stop checkout; systemctl reset-failed checkout; }
