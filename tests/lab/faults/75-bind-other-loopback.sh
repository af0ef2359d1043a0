# The application was started a moment ago and listens on 127.0.0.2 only: it is not "starting".
# expect-cause: upstream-bind-interface
# expect-subject: 127\.0\.0\.1:7700
# others-at-most: possible
# client: 502
# marks:
inject() {
    pyunit alt 7700
    sed -i 's|7700$|7700 127.0.0.2|' /etc/systemd/system/alt.service
    systemctl daemon-reload
    systemctl restart alt
    await_port 7700
    vhost alt <<<'location / { proxy_pass http://127.0.0.1:7700; }'
}
drive() { req http://alt.lan/; }
undo() { sed -i 's| 127.0.0.2$||' /etc/systemd/system/alt.service; systemctl daemon-reload; systemctl restart alt; await_port 7700; }
