# The file with the unit's environment is gone.
# expect-cause: app-env-missing
# expect-subject: pay\.service
# client: 502
# marks:
inject() {
    mkdir -p /etc/pay && echo 'CURRENCY=EUR' >/etc/pay/env
    pyunit pay 7723 EnvironmentFile=/etc/pay/env && await_port 7723
    vhost pay <<<'location / { proxy_pass http://127.0.0.1:7723; }'
    req http://pay.lan/ 2 >/dev/null
    mv /etc/pay/env /etc/pay/env.bak
    systemctl restart pay 2>/dev/null
    await_unit pay failed
}
drive() { req http://pay.lan/; }
undo() { mv /etc/pay/env.bak /etc/pay/env; systemctl reset-failed pay; systemctl start pay; await_port 7723; }
