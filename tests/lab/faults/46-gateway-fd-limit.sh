# The gateway's worker may open one file more than it holds: it accepts, and cannot connect.
# expect-cause: proxy-fd-limit
# expect-subject: nginx
# client: 500
# marks:
inject() {
    local worker n=0 free=0
    sed -i 's/^worker_processes.*/worker_processes 1;/' /etc/nginx/nginx.conf
    reload_nginx
    sleep 1
    worker=$(pgrep -P "$(cat /run/nginx.pid)" | tail -n 1)
    # The limit is the second number that is free: one descriptor is left, for the client.
    while :; do
        [ -e "/proc/$worker/fd/$n" ] || free=$((free + 1))
        [ "$free" -lt 2 ] || break
        n=$((n + 1))
    done
    setpriv --reuid=www-data --regid=www-data --clear-groups prlimit --pid "$worker" --nofile="$n"
}
drive() { req http://api.lan/ 4; }
undo() { reload_nginx; }
