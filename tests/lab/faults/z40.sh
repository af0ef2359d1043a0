# PrivateNetwork=yes on the app (hardening)
inject() { pyunit lonely 5340; await_port 5340; vhost z <<<'location / { proxy_pass http://127.0.0.1:5340; }'; req http://z.lan/ 2 >/dev/null; mkdir -p /etc/systemd/system/lonely.service.d; printf '[Service]\nPrivateNetwork=yes\n' >/etc/systemd/system/lonely.service.d/h.conf; systemctl daemon-reload; systemctl restart lonely; sleep 2; systemctl is-active lonely; }
drive() { req http://z.lan/; }
