# nginx's folder for request bodies has room, and not one inode.
# expect-cause: inodes-exhausted
# expect-subject: /var/lib/nginx
# expect-status: failing|degraded
# expect-exit: 1|2
# forbid: disk-full
# client: 500
# marks: T
inject() {
    mount -t tmpfs -o size=20m,nr_inodes=20,uid=33,mode=700 none /var/lib/nginx/body
    for i in $(seq 30); do touch /var/lib/nginx/body/$i 2>/dev/null || break; done
    dd if=/dev/zero of=/root/upload bs=1k count=900 2>/dev/null
    true
}
drive() { local i; for i in 1 2 3; do curl -s -o /dev/null -m 10 -w '%{http_code}\n' --data-binary @/root/upload http://api.lan/; done; }
undo() { umount /var/lib/nginx/body; }
