# /run/store is gone, as after a boot: Gunicorn tries again and again to make its socket there.
# expect-cause: runtime-dir-missing
# expect-subject: store\.service
# client: 502
# marks:
inject() {
    printf '[Service]\nUser=www-data\nExecStart=/usr/bin/gunicorn -b unix:/run/store/store.sock --chdir /srv/app app:app\nRestart=on-failure\n' | unit store
    install -d -o www-data /run/store
    systemctl start store
    for i in $(seq 50); do [ -S /run/store/store.sock ] && break; sleep 0.1; done
    vhost store <<<'location / { proxy_pass http://unix:/run/store/store.sock; }'
    req http://store.lan/ 2 >/dev/null
    systemctl stop store
    rm -rf /run/store
    systemctl start store
    sleep 2
}
drive() { req http://store.lan/; }
undo() { install -d -o www-data /run/store; systemctl restart store; sleep 2; }
