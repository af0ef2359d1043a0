# A variable in proxy_pass, and a resolver that takes questions and never answers.
# expect-cause: dns-server-failure
# expect-subject: 127\.0\.0\.1|geo\.internal
# client: 502
# marks: A
# repair: refused for a person to say
inject() {
    setsid nohup python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 5453)); time.sleep(300)' >/dev/null 2>&1 </dev/null &
    vhost geo <<'N'
location / {
    resolver 127.0.0.1:5453;
    resolver_timeout 1s;
    set $backend geo.internal;
    proxy_pass http://$backend:8000;
}
N
}
drive() { req http://geo.lan/ 3; }
undo() { rm /etc/nginx/sites-enabled/geo; reload_nginx; }
