# The program no longer tells systemd that it is alive.
# expect-cause: app-unit-watchdog
# expect-subject: hub\.service
# client: 502
# marks:
inject() {
    mkdir -p /srv/hub
    cat >/srv/hub/main.py <<'P'
import http.server, os, socket, threading, time
def tell(what):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(what, os.environ["NOTIFY_SOCKET"])
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"ok\n")
s = http.server.ThreadingHTTPServer(("127.0.0.1", 7731), Page)
threading.Thread(target=s.serve_forever).start()
tell(b"READY=1")
for _ in range(8):
    tell(b"WATCHDOG=1")
    time.sleep(0.2)
P
    printf '[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/usr/bin/python3 /srv/hub/main.py\n' | unit hub
    systemctl start hub && await_port 7731
    vhost hub <<<'location / { proxy_pass http://127.0.0.1:7731; }'
    req http://hub.lan/ 2 >/dev/null
    await_unit hub failed
}
drive() { req http://hub.lan/; }
undo() { sed -i '/^WatchdogSec/d' /etc/systemd/system/hub.service; systemctl daemon-reload; systemctl reset-failed hub; systemctl start hub; await_port 7731; }
