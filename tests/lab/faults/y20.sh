# wrapper shell alive for 40 s, its server child killed
inject() {
    printf '[Service]\nExecStart=/bin/sh -c "python3 /srv/app/server.py 5143 & exec sleep infinity"\n' | unit wrapped; systemctl start wrapped; await_port 5143
    vhost wr <<<'location / { proxy_pass http://127.0.0.1:5143; }'; req http://wr.lan/ 2 >/dev/null; sleep 34; pkill -9 -f '^python3 /srv/app/server.py 5143'; sleep 0.5
}
drive() { req http://wr.lan/; }
