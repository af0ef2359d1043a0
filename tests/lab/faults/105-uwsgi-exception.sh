# The application raises on one page: uWSGI closes without an answer, and its worker lives on.
# expect-cause: app-exception-no-response
# expect-subject: forms\.service|/run/forms/uwsgi\.sock
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 502
# marks: T
inject() {
    install -d -o www-data /run/forms
    uwsgi_unit forms /run/forms/uwsgi.sock --chmod-socket=666 <<'P'
def application(environ, start_response):
    if environ["PATH_INFO"] == "/submit":
        raise KeyError("address")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"forms\n"]
P
    for i in $(seq 50); do [ -S /run/forms/uwsgi.sock ] && break; sleep 0.1; done
    vhost forms <<<'location / { include uwsgi_params; uwsgi_pass unix:/run/forms/uwsgi.sock; }'
    req http://forms.lan/ 2 >/dev/null
}
drive() { req http://forms.lan/submit 4; }
undo() { false; }
