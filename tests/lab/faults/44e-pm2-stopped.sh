# Somebody stopped one of two applications with pm2.
# expect-cause: app-stopped-by-operator
# expect-subject: blog
# client: 502
# repair: verified
# marks:
inject() {
    pm2_app blog 3520 <<<"$WEB_JS"
    pm2_app shopfront 3521 <<<"$WEB_JS"
    await_port 3520 && await_port 3521
    vhost blog <<<'location / { proxy_pass http://127.0.0.1:3520; }'
    vhost front <<<'location / { proxy_pass http://127.0.0.1:3521; }'
    req http://blog.lan/ 2 >/dev/null
    as_deploy pm2 stop blog >/dev/null
}
drive() { req http://blog.lan/; req http://front.lan/ 2 >/dev/null; }
undo() { as_deploy pm2 start blog >/dev/null; await_port 3520; }
