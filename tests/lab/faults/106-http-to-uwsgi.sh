# proxy_pass to a socket that speaks the uwsgi protocol.
# expect-cause: protocol-uwsgi-to-http
# expect-subject: maps\.service|127\.0\.0\.1:3032
# client: 502
# marks:
inject() {
    uwsgi_unit maps 127.0.0.1:3032 <<'P'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"maps\n"]
P
    await_port 3032
    vhost maps <<<'location / { proxy_pass http://127.0.0.1:3032; }'
}
drive() { req http://maps.lan/; }
undo() { rm /etc/nginx/sites-enabled/maps; reload_nginx; }
