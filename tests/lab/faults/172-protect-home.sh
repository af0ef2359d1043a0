# Somebody hardened nginx with ProtectHome=yes; the application's socket lies in a home directory. No right is missing anywhere.
# expect-cause: unix-socket-private-tmp
# expect-subject: /home/deploy/app/g\.sock
# others-at-most: possible
# client: 502
# marks:
inject() {
    mkdir -p /home/deploy/app /etc/systemd/system/nginx.service.d
    chown www-data /home/deploy/app
    printf '[Service]\nUser=www-data\nWorkingDirectory=/srv/app\nExecStart=/usr/bin/gunicorn --bind unix:/home/deploy/app/g.sock app:app\n' | unit homeapp
    systemctl start homeapp
    printf '[Service]\nProtectHome=yes\n' >/etc/systemd/system/nginx.service.d/hardening.conf
    systemctl daemon-reload
    systemctl restart nginx
    local i
    for i in $(seq 60); do [ -S /home/deploy/app/g.sock ] && break; sleep 0.1; done
    vhost home <<<'location / { proxy_pass http://unix:/home/deploy/app/g.sock; }'
}
drive() { req http://home.lan/; }
undo() { rm /etc/systemd/system/nginx.service.d/hardening.conf; systemctl daemon-reload; systemctl restart nginx; }
