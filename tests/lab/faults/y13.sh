# uvicorn app: exits 0 after lifespan startup failed
inject() {
    mkdir -p /srv/asgi; printf 'async def app(scope, receive, send):\n    if scope["type"]=="lifespan":\n        await receive()\n        raise RuntimeError("redis at 127.0.0.1:6379 refused")\n' >/srv/asgi/main.py
    printf '[Service]\nWorkingDirectory=/srv/asgi\nExecStart=/usr/bin/uvicorn --lifespan on --port 5213 main:app\n' | unit asgi; systemctl start asgi; sleep 2
    vhost as <<<'location / { proxy_pass http://127.0.0.1:5213; }'; }
drive() { req http://as.lan/; }
