# The application writes a header that no proxy passes on.
# expect-cause: response-header-invalid
# expect-subject: 127\.0\.0\.1:7745|legacy
# client: 502
# marks:
inject() {
    mkdir -p /srv/legacy
    cat >/srv/legacy/main.py <<'P'
import socketserver
class Page(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Title: Caf\0e\r\nContent-Length: 3\r\n\r\nok\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 7745), Page).serve_forever()
P
    printf '[Service]\nUser=www-data\nExecStart=/usr/bin/python3 /srv/legacy/main.py\n' | unit legacy
    systemctl start legacy && await_port 7745
    vhost legacy <<<'location / { proxy_pass http://127.0.0.1:7745; }'
}
drive() { req http://legacy.lan/; }
undo() { false; }
