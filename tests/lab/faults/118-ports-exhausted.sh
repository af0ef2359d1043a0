# No local port is left for a connection to the backend.
# expect-cause: ephemeral-ports-exhausted
# expect-subject: 127\.0\.0\.1:8000
# client: 502
# marks:
inject() {
    mount -o remount,rw /proc/sys
    echo '40000 40005' >/proc/sys/net/ipv4/ip_local_port_range
    for i in 1 2 3 4 5 6; do (setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/8000; sleep 120' >/dev/null 2>&1 &); done
    sleep 0.5
}
drive() { req http://api.lan/; }
undo() { echo '32768 60999' >/proc/sys/net/ipv4/ip_local_port_range; }
