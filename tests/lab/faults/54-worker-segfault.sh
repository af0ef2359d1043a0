# An FPM child crashes on one page.
# expect-cause: app-worker-segfault
# expect-subject: php8\.2-fpm
# expect-status: failing|degraded
# expect-exit: 1|2
# client: 502
# marks: A
# repair: refused restart does not cure
inject() { :; }
drive() {
    local i
    for i in 1 2 3; do
        (sleep 0.5; pkill -SEGV -P "$(systemctl show -P MainPID php8.2-fpm)") &
        req 'http://shop.lan/?sleep=3' 1
        wait
    done
}
undo() { :; }
