# nginx's folder for request bodies is a full disk.
# expect-cause: disk-full-proxy-temp
# expect-subject: /var/lib/nginx
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 500
# marks:
inject() {
    mount -t tmpfs -o size=64k,uid=33,mode=700 none /var/lib/nginx/body
    dd if=/dev/zero of=/var/lib/nginx/body/old bs=1k count=64 2>/dev/null
    dd if=/dev/zero of=/root/upload bs=1k count=900 2>/dev/null
    true
}
drive() { local i; for i in 1 2 3; do curl -s -o /dev/null -m 10 -w '%{http_code}\n' --data-binary @/root/upload http://api.lan/; done; }
undo() { umount /var/lib/nginx/body; }
