# uWSGI kills a worker that takes longer than its harakiri.
# expect-cause: app-request-timeout-kill
# expect-subject: maps\.service|127\.0\.0\.1:3031
# forbid: oom-
# client: 502
# marks:
inject() {
    uwsgi_unit maps 127.0.0.1:3031 --harakiri 1 <<'P'
import time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/tiles":
        time.sleep(6)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"maps\n"]
P
    await_port 3031
    vhost maps <<<'location / { include uwsgi_params; uwsgi_pass 127.0.0.1:3031; }'
    req http://maps.lan/ 2 >/dev/null
}
drive() { req http://maps.lan/tiles 3; }
undo() { false; }
