# Apache passes to a Gunicorn on a unix socket, whose unit ended with an error after a deploy.
# expect-cause: app-boot-failure
# expect-subject: wiki\.service
# client: 503
# marks:
inject() {
    without_nginx
    mkdir -p /srv/wiki && cp /srv/app/app.py /srv/wiki/
    printf '[Service]\nUser=www-data\nRuntimeDirectory=wiki\nExecStart=/usr/bin/gunicorn -b unix:/run/wiki/http.sock --chdir /srv/wiki app:app\n' | unit wiki
    systemctl start wiki
    for i in $(seq 50); do [ -S /run/wiki/http.sock ] && break; sleep 0.1; done
    apache_site wiki <<<'ProxyPass / unix:/run/wiki/http.sock|http://wiki/'
    req http://wiki.lan/ 2 >/dev/null
    sed -i '2i from markdown import Markdown' /srv/wiki/app.py
    systemctl restart wiki
    await_unit wiki failed
}
drive() { req http://wiki.lan/; }
undo() { sed -i '/^from markdown/d' /srv/wiki/app.py; systemctl reset-failed wiki; systemctl start wiki; sleep 1; }
