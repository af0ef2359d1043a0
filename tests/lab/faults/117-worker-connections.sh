# nginx may hold so few connections that one request has no slot for its upstream.
# expect-cause: proxy-worker-connections
# expect-subject: nginx
# client: 500|000
# marks:
inject() {
    sed -i -e 's/^worker_processes.*/worker_processes 1;/' -e 's/worker_connections.*/worker_connections 5;/' /etc/nginx/nginx.conf
    systemctl restart nginx && await_port 80
    for i in 1 2; do (setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.1\r\nHost: api.lan\r\n" >&3; sleep 120' >/dev/null 2>&1 &); done
    sleep 0.5
}
drive() { req http://api.lan/; }
undo() { sed -i 's/worker_connections.*/worker_connections 768;/' /etc/nginx/nginx.conf; systemctl restart nginx; await_port 80; }
