# RestrictAddressFamilies=AF_UNIX for the app
inject() { pyunit fam 5342 RestrictAddressFamilies=AF_UNIX; sleep 1; vhost z <<<'location / { proxy_pass http://127.0.0.1:5342; }'; }
drive() { req http://z.lan/; systemctl is-active fam; }
