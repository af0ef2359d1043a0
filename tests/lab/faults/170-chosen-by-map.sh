# A map chooses between two groups by a header; the group that everybody gets is stopped, the other one never was asked.
# expect-cause: app-unit-stopped
# expect-subject: blue\.service
# others-at-most: possible
# client: 502
# marks:
inject() {
    pyunit blue 5101; pyunit green 5102; await_port 5101; await_port 5102
    printf 'upstream blue-pool { server 127.0.0.1:5101; keepalive 8; }\nupstream green-pool { server 127.0.0.1:5102; }\nmap $http_x_canary $chosen { default blue-pool; "1" green-pool; }\n' >/etc/nginx/conf.d/00-pools.conf
    vhost pool <<<'location / { proxy_pass http://$chosen; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    req http://pool.lan/ 2 >/dev/null
    systemctl stop blue green
}
drive() { req http://pool.lan/; }
undo() { systemctl start blue green; }
