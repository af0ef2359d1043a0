# gunicorn.socket listens at another path than nginx names; service not yet triggered
inject() { printf '[Socket]\nListenStream=/run/gunicorn.sock\n[Install]\nWantedBy=sockets.target\n' >/etc/systemd/system/gunicorn.socket; printf '[Unit]\nRequires=gunicorn.socket\n[Service]\nUser=www-data\nWorkingDirectory=/srv/app\nExecStart=/usr/bin/gunicorn app:app\n' | unit gunicorn; systemctl start gunicorn.socket; vhost z <<<'location / { proxy_pass http://unix:/run/gunicorn/gunicorn.sock; }'; }
drive() { req http://z.lan/; }
