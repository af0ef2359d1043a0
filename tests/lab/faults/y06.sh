# node app waits for DB at boot and gives up: connect ECONNREFUSED 127.0.0.1:5432
inject() {
    printf "const net=require('net');const s=net.connect(5432,'127.0.0.1');s.on('error',e=>{console.error('Unable to connect to the database:',e);process.exit(1)});" | nodeunit blog 5206 Restart=on-failure RestartSec=100ms
    sleep 3; vhost nb <<<'location / { proxy_pass http://127.0.0.1:5206; }'; }
drive() { req http://nb.lan/; }
