# app bound to IPv6 only, nginx on 127.0.0.1 (custom port)
inject() { printf '[Service]\nExecStart=/usr/bin/node -e "require(\x27http\x27).createServer((q,r)=>r.end(\x27x\x27)).listen({port:5211,host:\x27::1\x27})"\n' | unit six; systemctl start six; await_port 5211; vhost s6 <<<'location / { proxy_pass http://127.0.0.1:5211; }'; }
drive() { req http://s6.lan/; }
