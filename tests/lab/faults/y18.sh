# lua-like unknowable: proxy_pass http://127.0.0.1:$arg_p, app behind killed
inject() { pyunit dynb 5218; await_port 5218; vhost dy <<<'location / { proxy_pass http://127.0.0.1:$arg_p; }'; req 'http://dy.lan/?p=5218' 2; systemctl kill -s KILL dynb; sleep 1; }
drive() { req 'http://dy.lan/?p=5218'; }
