# iptables redirect/hairpin? no: nft blocks only established replies (conntrack INVALID drop) -> 504 connect timeout
inject() { nft add table inet guard; nft 'add chain inet guard out { type filter hook output priority 0; }'; nft add rule inet guard out tcp sport 8000 tcp flags '&' '(syn|ack)' == '(syn|ack)' drop; vhost fw <<<'location / { proxy_connect_timeout 2s; proxy_pass http://127.0.0.1:8000; }'; }
drive() { req http://fw.lan/ 3; }
