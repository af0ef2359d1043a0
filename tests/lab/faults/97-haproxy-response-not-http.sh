# What listens behind HAProxy does not speak HTTP.
# expect-cause: response-not-http
# expect-subject: 127\.0\.0\.1:7970|feed
# client: 502
# marks:
inject() {
    without_nginx
    mkdir -p /srv/feed
    cat >/srv/feed/feed.py <<'P'
import socketserver
class Feed(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        self.request.sendall(b"EURUSD 1.0842 1.0843\r\nEURGBP 0.8571 0.8573\r\n\r\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 7970), Feed).serve_forever()
P
    printf '[Service]\nUser=www-data\nExecStart=/usr/bin/python3 /srv/feed/feed.py\n' | unit feed
    systemctl start feed && await_port 7970
    haproxy_conf <<'H'
listen feed
    bind :80
    server feed1 127.0.0.1:7970
H
}
drive() { req http://api.lan/; }
undo() { false; }
