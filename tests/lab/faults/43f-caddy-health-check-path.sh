# Caddy's active health check asks for a path that the application does not have; the application is well.
# expect-cause: health-check-wrong
# expect-subject: 127\.0\.0\.1:8502
# client: 503
# nobody: skip
# marks: T
inject() {
    without_nginx
    cat >/srv/stock.py <<'P'
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/livez" else 200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"ok\n")
http.server.ThreadingHTTPServer(("127.0.0.1", 8502), Page).serve_forever()
P
    printf '[Service]\nExecStart=/usr/bin/python3 /srv/stock.py\n[Install]\nWantedBy=multi-user.target\n' | unit stock
    systemctl start stock && await_port 8502
    mkdir -p /etc/caddy/sites
    cat >/etc/caddy/sites/stock.caddy <<'C'
http://stock.lan {
    import logged
    handle_path /api/* {
        reverse_proxy {$STOCK:127.0.0.1:8502} {
            health_uri /livez
            health_interval 500ms
            health_status 2xx
        }
    }
    respond "hello"
}
C
    caddy_conf <<'C'
{
    auto_https off
}
(logged) {
    log {
        output file /var/log/caddy/stock.log
    }
}
import sites/*.caddy
C
    known_as stock
    sleep 2
}
drive() { req http://stock.lan/api/items 4; }
undo() { sed -i 's,/livez,/,' /etc/caddy/sites/stock.caddy; systemctl reload caddy; sleep 1; }
