# someone kill -TERM main pid; Restart=on-failure does not restart a clean end
inject() { pyunit tidy 5313 Restart=on-failure; await_port 5313; vhost z <<<'location / { proxy_pass http://127.0.0.1:5313; }'; req http://z.lan/ 2 >/dev/null; kill -TERM $(systemctl show -P MainPID tidy); sleep 1; }
drive() { req http://z.lan/; }
