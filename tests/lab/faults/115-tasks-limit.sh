# The unit may have as many tasks as it has; each request needs a new one.
# expect-cause: pids-limit
# expect-subject: gallery\.service
# client: 502
# marks:
inject() {
    pyunit gallery 7715 TasksMax=4 && await_port 7715
    vhost gallery <<<'location / { proxy_pass http://127.0.0.1:7715; }'
    req http://gallery.lan/ 2 >/dev/null
    for i in 1 2 3 4 5; do (setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/7715; sleep 120' >/dev/null 2>&1 &); done
    sleep 0.5
}
drive() { req http://gallery.lan/; }
undo() { systemctl restart gallery; await_port 7715; }
