# The unit may use three percent of a processor.
# expect-cause: cpu-throttled
# expect-subject: render\.service
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 504
# marks:
inject() {
    mkdir -p /srv/render
    sed 's|if self.path.startswith("/slow"):|if self.path.startswith("/page"):\n            sum(i * i for i in range(6000000))\n        if self.path.startswith("/slow"):|' /srv/app/server.py >/srv/render/main.py
    printf '[Service]\nUser=www-data\nCPUQuota=3%%\nExecStart=/usr/bin/python3 /srv/render/main.py 7716\n' | unit render
    systemctl set-property --runtime render.service CPUQuota=
    systemctl start render && await_port 7716
    systemctl set-property --runtime render.service CPUQuota=3%
    vhost render <<<'location / { proxy_read_timeout 2s; proxy_pass http://127.0.0.1:7716; }'
}
drive() { req http://render.lan/page 3; }
undo() { systemctl set-property --runtime render.service CPUQuota=; systemctl restart render; await_port 7716; }
