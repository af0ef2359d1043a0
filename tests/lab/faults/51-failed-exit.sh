# A backend ended by itself with an error, and nothing restarts it.
# expect-cause: app-unit-failed-exit
# expect-subject: quotes\.service
# client: 502
# marks: A
inject() {
    unit quotes <<'U'
[Unit]
Description=Quotes
[Service]
ExecStart=/bin/sh -c '/usr/bin/timeout 2 /usr/bin/python3 /srv/app/server.py 6123; echo "quotes: lost the exchange feed, giving up" >&2; exit 3'
U
    systemctl start quotes
    await_port 6123
    vhost quotes <<<'location / { proxy_pass http://127.0.0.1:6123; }'
    req http://quotes.lan/ 1 >/dev/null
    await_unit quotes failed
}
drive() { req http://quotes.lan/; }
undo() { systemctl reset-failed quotes; systemctl start quotes; }
