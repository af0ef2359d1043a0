# .NET-like: Failed to bind to address http://127.0.0.1:5207: address already in use (a stray python holds it)
inject() {
    setsid python3 /srv/app/server.py 5207 >/dev/null 2>&1 & sleep 1
    printf '[Service]\nExecStart=/bin/sh -c "echo Unhandled exception. System.IO.IOException: Failed to bind to address http://127.0.0.1:5207: address already in use.; exit 134"\n' | unit kestrel; systemctl start kestrel; sleep 1
    vhost kn <<<'location / { proxy_pass http://127.0.0.1:5207; }'; }
drive() { req http://kn.lan/; }
