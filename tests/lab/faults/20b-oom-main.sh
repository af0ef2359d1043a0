# The unit's only process is killed by the kernel at its limit, and nobody starts it again.
# expect-cause: oom-cgroup-unit
# expect-subject: imports\.service
# client: 502
# marks: A
# repair: verified
inject() {
    pyunit imports 6502 MemoryMax=48M && await_port 6502
    vhost imports <<<'location / { proxy_pass http://127.0.0.1:6502; }'
    req http://imports.lan/ 2 >/dev/null
    curl -s -o /dev/null -m 10 http://imports.lan/import
    await_unit imports failed
}
drive() { req http://imports.lan/; }
undo() { systemctl reset-failed imports; systemctl start imports; await_port 6502; }
