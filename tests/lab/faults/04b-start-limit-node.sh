# The Node unit's own program is broken: the unit whose port is in no command line.
# expect-cause: app-start-limit-hit
# expect-subject: napp\.service
# client: 502
# marks: A
inject() {
    mkdir -p /etc/systemd/system/napp.service.d
    printf '[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n[Service]\nExecStart=\nExecStart=/bin/sh -c "exit 1"\nRestart=always\nRestartSec=200ms\n' \
        >/etc/systemd/system/napp.service.d/deploy.conf
    systemctl daemon-reload
    systemctl restart napp
    sleep 1.5
    await_unit napp failed
}
drive() { req http://web.lan/; }
undo() { rm -r /etc/systemd/system/napp.service.d; systemctl daemon-reload; systemctl reset-failed napp; systemctl start napp; }
