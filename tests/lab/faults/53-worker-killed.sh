# An FPM child is killed in the middle of a request, three times.
# expect-cause: app-worker-killed
# expect-subject: php8\.2-fpm
# expect-confidence: confirmed|likely
# expect-status: failing|degraded
# expect-exit: 1|2
# forbid: oom-
# client: 502
# marks: A
inject() { :; }
drive() {
    local i
    for i in 1 2 3; do
        (sleep 0.5; pkill -KILL -P "$(systemctl show -P MainPID php8.2-fpm)") &
        req 'http://shop.lan/?sleep=3' 1
        wait
    done
}
undo() { :; }
