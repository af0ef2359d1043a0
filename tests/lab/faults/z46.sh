# proxy_pass to a name in /etc/hosts with the wrong IP (host without that service, RST)
inject() { echo '127.0.0.9 app.internal' >>/etc/hosts; pyunit inta 5346; await_port 5346; vhost z <<<'location / { proxy_pass http://app.internal:5346; }'; }
drive() { req http://z.lan/; }
