# A unit that runs an old start script counts as active (exited); the program that the script started is gone.
# expect-cause: app-not-listening
# expect-subject: legacy\.service
# others-at-most: possible
# client: 502
# marks:
inject() {
    printf '#!/bin/sh\ncase $1 in start) setsid python3 /srv/app/server.py 5142 >/dev/null 2>&1 & echo $! >/run/legacy.pid ;; stop) kill $(cat /run/legacy.pid) ;; esac\n' >/srv/legacy.sh
    chmod +x /srv/legacy.sh
    printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/srv/legacy.sh start\nExecStop=/srv/legacy.sh stop\n' | unit legacy
    systemctl start legacy && await_port 5142
    vhost old <<<'location / { proxy_pass http://127.0.0.1:5142; }'
    req http://old.lan/ 2 >/dev/null
    kill -9 "$(cat /run/legacy.pid)"
    await_no_port 5142
}
drive() { req http://old.lan/; }
undo() { systemctl restart legacy; }
