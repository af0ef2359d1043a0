# Programs of Supervisor and PM2 behind nginx, all healthy; each manager also has one that was stopped on purpose and that nobody asks for.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() {
    supervised mails <<<'/usr/bin/python3 /srv/app/server.py 7460'
    supervised importer 'autostart=false' <<<'/usr/bin/python3 /srv/app/server.py 7461'
    pm2_app chat 3540 <<<"$WEB_JS"
    pm2_app nightly 3541 <<<"$WEB_JS"
    as_deploy pm2 stop nightly >/dev/null
    await_port 7460 && await_port 3540
    vhost mails <<<'location / { proxy_pass http://127.0.0.1:7460; }'
    vhost chat <<<'location / { proxy_pass http://127.0.0.1:3540; }'
}
drive() { req http://mails.lan/ 4; req http://chat.lan/ 4; req http://web.lan/ 2; }
undo() { false; }
