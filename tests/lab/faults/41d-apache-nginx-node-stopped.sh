# Apache in front of nginx in front of Node, which was killed.
# expect-cause: app-killed-not-restarted
# expect-subject: napp\.service
# client: 502
# marks:
inject() {
    nginx_on 8080
    apache_site web <<'A'
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:8080/
ProxyPassReverse / http://127.0.0.1:8080/
A
    req http://web.lan/ 2 >/dev/null
    systemctl kill -s KILL --kill-who=main napp
    await_unit napp failed
}
drive() { req http://web.lan/; }
undo() { systemctl reset-failed napp; systemctl start napp; await_port 3000; }
