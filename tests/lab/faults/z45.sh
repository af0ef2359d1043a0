# limit_conn 503 by nginx itself
inject() { printf 'limit_conn_zone $server_name zone=per:1m;\n' >/etc/nginx/conf.d/lc.conf; vhost z <<<'limit_conn per 1; location / { proxy_pass http://127.0.0.1:8000; }'; }
drive() { (curl -s -m 9 'http://z.lan/slow?s=4' >/dev/null &); sleep 0.4; req http://z.lan/ 5; }
