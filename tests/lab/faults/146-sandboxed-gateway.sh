# A drop-in forbids nginx the family of the address that it is told to use.
# expect-cause: systemd-sandbox-family
# expect-subject: nginx
# client: 500
# marks: T
inject() {
    mkdir -p /etc/systemd/system/nginx.service.d
    printf '[Service]\nRestrictAddressFamilies=AF_UNIX AF_INET\n' >/etc/systemd/system/nginx.service.d/hardening.conf
    systemctl daemon-reload
    sed -i 's|127.0.0.1:8000|[::1]:8000|' /etc/nginx/sites-enabled/api
    systemctl restart nginx && await_port 80
}
drive() { req http://api.lan/; }
undo() { rm -r /etc/systemd/system/nginx.service.d; sed -i 's|\[::1\]:8000|127.0.0.1:8000|' /etc/nginx/sites-enabled/api; systemctl daemon-reload; systemctl restart nginx; await_port 80; }
