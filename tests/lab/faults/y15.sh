# user unit of deploy (systemctl --user) stopped
inject() {
    useradd -m -u 1500 deploy; mkdir -p /home/deploy/.config/systemd/user; printf '[Service]\nExecStart=/usr/bin/python3 /srv/app/server.py 5215\n' >/home/deploy/.config/systemd/user/mysite.service; chown -R deploy /home/deploy
    mkdir -p /run/user/1500; chown deploy /run/user/1500; systemctl start user@1500; sleep 2; runuser -u deploy -- env XDG_RUNTIME_DIR=/run/user/1500 systemctl --user start mysite; await_port 5215
    vhost us <<<'location / { proxy_pass http://127.0.0.1:5215; }'; req http://us.lan/ 2; runuser -u deploy -- env XDG_RUNTIME_DIR=/run/user/1500 systemctl --user stop mysite; sleep 1; }
drive() { req http://us.lan/; }
