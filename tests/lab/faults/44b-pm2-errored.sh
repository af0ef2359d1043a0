# An application under PM2 throws before it listens, a few times; then PM2 gives it up.
# expect-cause: pm2-errored
# expect-subject: chat
# client: 502
# marks:
inject() {
    as_deploy mkdir -p chat && echo "$WEB_JS" >/home/deploy/chat/index.js
    echo '{"apps":[{"name":"chat","script":"/home/deploy/chat/index.js","args":"3510","max_restarts":5,"min_uptime":10000}]}' >/home/deploy/chat/pm2.json
    as_deploy pm2 start /home/deploy/chat/pm2.json >/dev/null
    await_port 3510
    vhost chat <<<'location / { proxy_pass http://127.0.0.1:3510; }'
    req http://chat.lan/ 2 >/dev/null
    sed -i '1i throw new Error("CHAT_TOKEN is not set");' /home/deploy/chat/index.js
    as_deploy pm2 restart chat >/dev/null
    for i in $(seq 100); do grep -q 'too many unstable restarts' /home/deploy/.pm2/pm2.log && return; sleep 0.2; done
    return 1
}
drive() { req http://chat.lan/; }
undo() { sed -i 1d /home/deploy/chat/index.js; as_deploy pm2 restart chat >/dev/null; await_port 3510; }
