# Killed by signal 9 in a loop by somebody, while an unrelated container was really killed for memory before.
# expect-cause: app-start-limit-hit
# expect-subject: stock\.service
# forbid: oom-
# client: 502
# marks: T
inject() {
    docker_up
    docker run --name report -m 24m lab:bb dd if=/dev/zero of=/dev/null bs=200M >/dev/null 2>&1
    sleep 2
    unit stock <<'U'
[Unit]
Description=Stock
StartLimitBurst=3
StartLimitIntervalSec=60
[Service]
Environment=PORT=4990
ExecStart=/bin/sh -c 'kill -KILL $$$$'
Restart=always
RestartSec=200ms
U
    vhost stock <<<'location / { proxy_pass http://127.0.0.1:4990; }'
    systemctl start stock
    sleep 1.5
    await_unit stock failed
}
drive() { req http://stock.lan/; }
undo() { systemctl stop stock; systemctl reset-failed stock; }
