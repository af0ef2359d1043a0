"""A small single-process HTTP backend: server.py PORT [ADDRESS]."""
import ctypes
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/thumb"):
            ctypes.string_at(0)
        if self.path.startswith("/import"):
            hoard = bytearray(200 * 1024 * 1024)
            for i in range(0, len(hoard), 4096):
                hoard[i] = 1
        if self.path.startswith("/slow"):
            time.sleep(8)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    do_POST = do_GET


address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
http.server.ThreadingHTTPServer((address, int(sys.argv[1])), Handler).serve_forever()
