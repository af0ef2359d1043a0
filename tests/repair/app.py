"""An application on a socket beside the one that is configured."""
import http.server, os, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")
class Server(socketserver.UnixStreamServer):
    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("local", 0)
server = Server("/run/shop/new.sock", Handler)
os.chmod("/run/shop/new.sock", 0o666)
server.serve_forever()
