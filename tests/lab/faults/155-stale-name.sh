# The name's address changed after nginx was started; nginx asks the old one.
# expect-cause: dns-stale-ip
# expect-subject: 10\.90\.0\.1:7755|catalog
# client: 502
# marks: T
inject() {
    ip addr add 10.90.0.1/32 dev lo; ip addr add 10.90.0.2/32 dev lo
    echo '10.90.0.1 catalog.internal' >>/etc/hosts
    pyunit catalog-old 7755
    sed -i 's|7755$|7755 10.90.0.1|' /etc/systemd/system/catalog-old.service
    systemctl daemon-reload; systemctl restart catalog-old; await_port 7755
    vhost catalog <<<'location / { proxy_pass http://catalog.internal:7755; }'
    req http://catalog.lan/ 2 >/dev/null
    systemctl stop catalog-old; rm /etc/systemd/system/catalog-old.service; systemctl daemon-reload
    pyunit catalog 7755
    sed -i 's|7755$|7755 10.90.0.2|' /etc/systemd/system/catalog.service
    systemctl daemon-reload; systemctl restart catalog; await_port 7755
    sed 's/^10.90.0.1 catalog/10.90.0.2 catalog/' /etc/hosts >/root/hosts && cat /root/hosts >/etc/hosts
}
drive() { req http://catalog.lan/; }
undo() { reload_nginx; }
