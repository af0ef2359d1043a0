# The master is alive and has no worker: each one ends at once.
# expect-cause: proxy-no-workers
# expect-subject: nginx
# client: 000
# marks: T
inject() {
    rm -f /var/lib/nginx/body/* 2>/dev/null
    sed -i 's/^worker_processes.*/worker_processes 1;/' /etc/nginx/nginx.conf
    systemctl restart nginx && await_port 80
    req http://api.lan/ 1 >/dev/null
    sed -i 's/^user .*/user www-data;\nworking_directory \/srv\/nginx-gone;/' /etc/nginx/nginx.conf
    systemctl reload nginx
    sleep 1
}
drive() { local i; for i in 1 2; do curl -s -o /dev/null -m 2 -w '%{http_code}\n' http://api.lan/; done; }
undo() { sed -i '/^working_directory/d' /etc/nginx/nginx.conf; systemctl restart nginx; await_port 80; }
