# The folder of the release that the unit works in was deleted.
# expect-cause: app-workdir-or-user-missing
# expect-subject: blog\.service
# client: 502
# marks:
inject() {
    mkdir -p /srv/blog/releases/41
    pyunit blog 7725 WorkingDirectory=/srv/blog/releases/41 && await_port 7725
    vhost blog <<<'location / { proxy_pass http://127.0.0.1:7725; }'
    req http://blog.lan/ 2 >/dev/null
    rm -r /srv/blog/releases/41
    systemctl restart blog 2>/dev/null
    await_unit blog failed
}
drive() { req http://blog.lan/; }
undo() { mkdir -p /srv/blog/releases/41; systemctl reset-failed blog; systemctl start blog; await_port 7725; }
