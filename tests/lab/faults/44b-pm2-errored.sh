# An application under PM2 throws before it listens, sixteen times; then PM2 gives it up.
# expect-cause: pm2-errored
# expect-subject: chat
# client: 502
# marks:
inject() {
    pm2_app chat 3510 --exp-backoff-restart-delay 0 <<<"$WEB_JS"
    await_port 3510
    vhost chat <<<'location / { proxy_pass http://127.0.0.1:3510; }'
    req http://chat.lan/ 2 >/dev/null
    sed -i '1i throw new Error("CHAT_TOKEN is not set");' /home/deploy/chat/index.js
    as_deploy pm2 restart chat >/dev/null
    for i in $(seq 100); do as_deploy grep -q 'too many unstable restarts' .pm2/pm2.log && break; sleep 0.2; done
}
drive() { req http://chat.lan/; }
undo() { sed -i 1d /home/deploy/chat/index.js; as_deploy pm2 restart chat >/dev/null; await_port 3510; }
