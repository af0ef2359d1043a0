# Healthy; a memory kill of a unit that no vhost leads to more than a minute ago, and an unrelated failed unit.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks: A slow
inject() {
    printf '[Service]\nType=oneshot\nMemoryMax=20M\nExecStart=/bin/busybox dd if=/dev/zero of=/dev/null bs=200M\n' | unit nightly-report
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo target disk is missing; exit 4"\n' | unit backup
    systemctl start nightly-report
    systemctl start backup
    systemctl is-failed -q nightly-report && systemctl is-failed -q backup || echo "not failed" >&2
    sleep 63
}
drive() { req http://shop.lan/ 2; req http://api.lan/ 2; req http://web.lan/ 2; }
undo() { systemctl reset-failed; }
