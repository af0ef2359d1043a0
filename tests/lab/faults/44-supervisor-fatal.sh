# A program under Supervisor ends at once, until Supervisor gives it up.
# expect-cause: supervisor-fatal
# expect-subject: billing
# client: 502
# marks:
inject() {
    mkdir -p /srv/billing && cp /srv/app/server.py /srv/billing/
    supervised billing 'user=www-data' 'directory=/srv/billing' 'startretries=1' 'startsecs=1' <<<'/usr/bin/python3 /srv/billing/server.py 7440'
    await_program billing RUNNING && await_port 7440
    vhost billing <<<'location / { proxy_pass http://127.0.0.1:7440; }'
    req http://billing.lan/ 2 >/dev/null
    sed -i '2i raise SystemExit("billing: BILLING_KEY is not set")' /srv/billing/server.py
    supervisorctl restart billing >/dev/null
    await_program billing FATAL
}
drive() { req http://billing.lan/; }
undo() { sed -i '/^raise SystemExit/d' /srv/billing/server.py; supervisorctl start billing >/dev/null; await_port 7440; }
