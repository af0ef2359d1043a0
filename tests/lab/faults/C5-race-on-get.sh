# The keepalive race on GET only: nginx asks again, there are error lines, and every client got its 200.
# expect-cause: -
# allow-cause: keepalive-race
# expect-status: healthy|degraded
# expect-exit: 0|1
# client: 200
# marks:
inject() { . /lab/faults/32-keepalive-race.sh; inject; }
drive() {
    local i
    for i in 1 2 3; do req http://orders.lan/ 1 4.6; done
    grep -c 'prematurely closed\|104: Connection reset' /var/log/nginx/error.log >/dev/null || echo 000
}
undo() { false; }
