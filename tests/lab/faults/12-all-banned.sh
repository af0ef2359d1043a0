# Both servers of an upstream were down for five seconds and are back; nginx has banned them.
# expect-cause: upstream-all-banned
# expect-subject: fleet
# client: 502
# nobody: skip
# marks: T
# repair: verified
inject() {
    pyunit fleet-a 8101; pyunit fleet-b 8102
    await_port 8101 && await_port 8102
    echo 'upstream fleet { server 127.0.0.1:8101; server 127.0.0.1:8102; }' >/etc/nginx/conf.d/fleet.conf
    vhost fleet <<<'location / { proxy_pass http://fleet; }'
    req http://fleet.lan/ 2 >/dev/null
    systemctl stop fleet-a fleet-b
    sleep 4
    req http://fleet.lan/ 3 >/dev/null
    systemctl start fleet-a fleet-b
    await_port 8101 && await_port 8102
}
drive() { req http://fleet.lan/ 3; }
undo() { reload_nginx; }
