# Every server of the group is marked "down" in the configuration.
# expect-cause: upstream-all-down-marked
# expect-subject: duo
# client: 502
# marks:
inject() {
    printf 'upstream duo { server 127.0.0.1:8000 down; server 127.0.0.1:3000 down; }\n' >/etc/nginx/conf.d/duo.conf
    vhost duo <<<'location / { proxy_pass http://duo; }'
}
drive() { req http://duo.lan/; }
undo() { sed -i 's/ down;/;/g' /etc/nginx/conf.d/duo.conf; reload_nginx; }
