# A Gunicorn worker is killed by the kernel at the unit's memory limit.
# expect-cause: oom-cgroup-unit
# expect-subject: app\.service
# client: 502
# marks: A
# repair: verified
inject() {
    mkdir -p /etc/systemd/system/app.service.d
    printf '[Service]\nMemoryMax=60M\n' >/etc/systemd/system/app.service.d/memory.conf
    systemctl daemon-reload
    systemctl restart app && await_port 8000
}
drive() { req http://api.lan/export 3 0.5; }
undo() { rm -r /etc/systemd/system/app.service.d; systemctl daemon-reload; systemctl restart app; await_port 8000; }
