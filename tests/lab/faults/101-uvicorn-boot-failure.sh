# Uvicorn cannot find the application after a file was renamed.
# expect-cause: app-boot-failure
# expect-subject: quotes\.service
# client: 502
# marks:
inject() {
    mkdir -p /srv/quotes
    cat >/srv/quotes/main.py <<'P'
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"ok\n"})
P
    printf '[Unit]\nDescription=Quotes (Uvicorn)\n[Service]\nUser=www-data\nWorkingDirectory=/srv/quotes\nExecStart=/usr/bin/uvicorn main:app --host 127.0.0.1 --port 8077\n' | unit quotes
    systemctl start quotes && await_port 8077
    vhost quotes <<<'location / { proxy_pass http://127.0.0.1:8077; }'
    req http://quotes.lan/ 2 >/dev/null
    mv /srv/quotes/main.py /srv/quotes/application.py
    systemctl restart quotes
    await_unit quotes failed
}
drive() { req http://quotes.lan/; }
undo() { mv /srv/quotes/application.py /srv/quotes/main.py; systemctl reset-failed quotes; systemctl start quotes; await_port 8077; }
