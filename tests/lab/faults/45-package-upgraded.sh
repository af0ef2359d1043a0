# A package was upgraded a moment before the first 502: the new version wants a setting that nobody has made.
# expect-cause: app-unit-failed-exit
# expect-subject: tariff\.service
# expect-changed: tariff
# client: 502
# marks:
tariff_package() {
    local d=/var/tmp/tariff-$1
    mkdir -p "$d/DEBIAN" "$d/usr/lib/tariff" "$d/lib/systemd/system"
    printf 'Package: tariff\nVersion: %s\nArchitecture: all\nMaintainer: Lab <lab@example.org>\nDescription: tariff service\n' "$1" >"$d/DEBIAN/control"
    printf '#!/bin/sh\nsystemctl daemon-reload\nsystemctl restart tariff\n' >"$d/DEBIAN/postinst"
    chmod 755 "$d/DEBIAN/postinst"
    printf '[Unit]\nDescription=Tariff service\n[Service]\nUser=www-data\nExecStart=/usr/bin/python3 /usr/lib/tariff/main.py 7450\n[Install]\nWantedBy=multi-user.target\n' >"$d/lib/systemd/system/tariff.service"
    cat - /srv/app/server.py >"$d/usr/lib/tariff/main.py"
    dpkg-deb -b "$d" "/var/tmp/tariff_$1.deb" >/dev/null
}
inject() {
    tariff_package 2.3.1 </dev/null
    tariff_package 2.4.0 <<'P'
import os, sys
if "TARIFF_CURRENCY" not in os.environ:
    print("tariff: no currency: since 2.4 TARIFF_CURRENCY must be set", file=sys.stderr)
    sys.exit(3)
P
    dpkg -i /var/tmp/tariff_2.3.1.deb >/dev/null 2>&1
    await_port 7450
    vhost tariff <<<'location / { proxy_pass http://127.0.0.1:7450; }'
    req http://tariff.lan/ 2 >/dev/null
    dpkg -i /var/tmp/tariff_2.4.0.deb >/dev/null 2>&1
    await_unit tariff failed
}
drive() { req http://tariff.lan/; }
undo() { dpkg -i /var/tmp/tariff_2.3.1.deb >/dev/null 2>&1; await_port 7450; }
