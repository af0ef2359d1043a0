# localhost is ::1 and 127.0.0.1, the application listens on the second only: every request is answered.
# expect-cause: upstream-addr-family
# expect-subject: six\.service
# expect-status: degraded
# expect-exit: 1
# others-at-most: possible
# client: 200
# marks:
inject() {
    pyunit six 7800 && await_port 7800
    vhost six <<<'location / { proxy_pass http://localhost:7800; }'
}
drive() { req http://six.lan/ 6; }
undo() { sed -i 's|localhost:7800|127.0.0.1:7800|' /etc/nginx/sites-enabled/six; reload_nginx; }
