# gunicorn refuses: stale pid file (Already running on PID)
inject() {
    mkdir -p /var/lib/g; echo $$ >/var/lib/g/g.pid
    printf '[Service]\nWorkingDirectory=/srv/app\nExecStart=/usr/bin/gunicorn --pid /var/lib/g/g.pid --bind 127.0.0.1:5216 app:app\n' | unit pidg; echo 1 >/var/lib/g/g.pid; systemctl start pidg; sleep 2
    vhost pg <<<'location / { proxy_pass http://127.0.0.1:5216; }'; }
drive() { req http://pg.lan/; }
