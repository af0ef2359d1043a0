# Healthy; right now the kernel kills something for memory that no gateway leads to.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks: T
inject() {
    printf '[Service]\nType=oneshot\nMemoryMax=20M\nExecStart=/bin/busybox dd if=/dev/zero of=/dev/null bs=200M\n' | unit thumbnailer
    systemctl start thumbnailer
    systemctl is-failed -q thumbnailer
}
drive() { req http://shop.lan/ 3; req http://api.lan/ 3; req http://web.lan/ 3; }
undo() { systemctl reset-failed; }
