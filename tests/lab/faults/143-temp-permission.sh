# nginx's folder for request bodies belongs to another user since the user of the workers was changed.
# expect-cause: proxy-temp-permission
# expect-subject: /var/lib/nginx
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 500
# marks: T
inject() {
    req http://api.lan/ 1 >/dev/null
    useradd -r web
    chown -R web /var/lib/nginx/body && chmod 700 /var/lib/nginx/body
    dd if=/dev/zero of=/root/upload bs=1k count=900 2>/dev/null
}
drive() { local i; for i in 1 2 3; do curl -s -o /dev/null -m 10 -w '%{http_code}\n' --data-binary @/root/upload http://api.lan/; done; }
undo() { chown -R www-data /var/lib/nginx/body; }
