# unit file removed + daemon-reload, then process killed (unit not-found)
inject() { pyunit gone 5314; await_port 5314; vhost z <<<'location / { proxy_pass http://127.0.0.1:5314; }'; req http://z.lan/ 2 >/dev/null; rm /etc/systemd/system/gone.service; systemctl daemon-reload; systemctl kill -s KILL gone; sleep 1; }
drive() { req http://z.lan/; }
