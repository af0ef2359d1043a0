# A variable in proxy_pass, and a resolver that says that there is no such name.
# expect-cause: dns-nxdomain
# expect-subject: tiles\.internal
# client: 502
# marks: A
inject() {
    setsid nohup python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5533))
for _ in range(200):
    q, peer = s.recvfrom(512)
    s.sendto(q[:2] + b"\x81\x83" + q[4:6] + b"\0\0\0\0\0\0" + q[12:], peer)' >/dev/null 2>&1 </dev/null &
    sleep 0.5
    vhost tiles <<'N'
location / {
    resolver 127.0.0.1:5533 ipv6=off;
    resolver_timeout 2s;
    set $backend tiles.internal;
    proxy_pass http://$backend:8000;
}
N
}
drive() { req http://tiles.lan/ 3; }
undo() { rm /etc/nginx/sites-enabled/tiles; reload_nginx; }
