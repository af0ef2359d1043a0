# two apps swapped: nginx passes to wrong app, answers 404 by other app (no 5xx): healthy
inject() { vhost z <<<'location / { proxy_pass http://127.0.0.1:3000/; } location /x { return 404; }'; }
drive() { req http://z.lan/x; }
