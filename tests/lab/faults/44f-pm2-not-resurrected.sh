# The applications were saved, but nobody ran "pm2 startup": after a reboot there is no PM2.
# expect-cause: pm2-not-resurrected
# expect-subject: deploy|pm2
# reboot: yes
# client: 502
# marks:
inject() {
    pm2_app news 3530 <<<"$WEB_JS"
    await_port 3530
    vhost news <<<'location / { proxy_pass http://127.0.0.1:3530; }'
    req http://news.lan/ 2 >/dev/null
    as_deploy pm2 save >/dev/null
}
drive() { grep -q news.lan /etc/hosts || echo '127.0.0.1 news.lan' >>/etc/hosts; await_port 80; req http://news.lan/; }
undo() { as_deploy pm2 resurrect >/dev/null; await_port 3530; }
