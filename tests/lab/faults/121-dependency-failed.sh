# The unit requires another that cannot start.
# expect-cause: app-dependency-failed
# expect-subject: checkout\.service
# client: 502
# marks:
inject() {
    printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "test -e /srv/secrets/key || { echo no key in /srv/secrets; exit 2; }"\n' | unit secrets
    mkdir -p /srv/secrets && touch /srv/secrets/key
    pyunit checkout 7721
    sed -i 's/^\[Unit\]/[Unit]\nRequires=secrets.service\nAfter=secrets.service/' /etc/systemd/system/checkout.service
    systemctl daemon-reload
    systemctl restart checkout && await_port 7721
    vhost checkout <<<'location / { proxy_pass http://127.0.0.1:7721; }'
    req http://checkout.lan/ 2 >/dev/null
    systemctl stop checkout secrets
    rm /srv/secrets/key
    systemctl start checkout 2>/dev/null
    true
}
drive() { req http://checkout.lan/; }
undo() { touch /srv/secrets/key; systemctl reset-failed; systemctl start checkout; await_port 7721; }
