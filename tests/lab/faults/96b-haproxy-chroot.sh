# HAProxy passes to a unix socket that everybody may open; it connects inside its chroot, where there is none.
# expect-cause: unix-socket-private-tmp|unix-socket-path-mismatch
# expect-subject: /run/wiki/http\.sock
# client: 503
# marks: T
inject() {
    without_nginx
    printf '[Service]\nUser=www-data\nRuntimeDirectory=wiki\nExecStart=/usr/bin/gunicorn -b unix:/run/wiki/http.sock --umask 000 --chdir /srv/app app:app\n' | unit wiki
    systemctl start wiki
    for i in $(seq 50); do [ -S /run/wiki/http.sock ] && break; sleep 0.1; done
    haproxy_conf <<'H'
frontend www
    bind :80
    default_backend wiki
backend wiki
    retries 1
    server wiki1 unix@/run/wiki/http.sock
H
}
drive() { req http://api.lan/ 3; }
undo() { sed -i "/chroot/d" /etc/haproxy/haproxy.cfg; systemctl restart haproxy; await_port 80; }
