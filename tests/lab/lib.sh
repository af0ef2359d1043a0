# Sourced inside the lab host before a fault file. Small helpers, so that each fault reads like its description.

# req [-x METHOD] URL [COUNT] [PAUSE]: bounded requests; prints one status per line.
req() {
    local extra=()
    if [ "$1" = -x ]; then extra=(-X "$2" -d x=1); shift 2; fi
    local url=$1 n=${2:-4} pause=${3:-0.2} i
    for ((i = 0; i < n; i++)); do
        curl -s -o /dev/null -m 12 "${extra[@]}" -w '%{http_code}\n' "$url"
        sleep "$pause"
    done
}

# vhost NAME: reads a server body from stdin, installs and loads it; served as http://NAME.lan/ on this host.
vhost() {
    { echo "server {"; echo "    listen 80;"; echo "    server_name $1.lan;"; cat; echo "}"; } >"/etc/nginx/sites-enabled/$1"
    grep -q " $1.lan" /etc/hosts || echo "127.0.0.1 $1.lan" >>/etc/hosts
    reload_nginx
}

# Reload and wait until no worker of the old generation is left accepting.
reload_nginx() {
    local before now i
    before=$(pgrep -P "$(cat /run/nginx.pid)" | sort | tr '\n' ' ')
    nginx -t -q && systemctl reload nginx || return 1
    for i in $(seq 50); do
        now=$(pgrep -P "$(cat /run/nginx.pid)" | sort | tr '\n' ' ')
        [ -n "$now" ] && [ "$now" != "$before" ] && break
        sleep 0.1
    done
    sleep 0.2
}

# unit NAME: reads a unit file from stdin.
unit() { cat >"/etc/systemd/system/$1.service"; systemctl daemon-reload; }

# pyunit NAME PORT [LINE...]: a unit that runs the small Python backend, with extra [Service] lines.
pyunit() {
    local name=$1 port=$2
    shift 2
    { echo "[Unit]"; echo "Description=$name backend"; echo "[Service]"; echo "User=www-data"; printf '%s\n' "$@";
      echo "ExecStart=/usr/bin/python3 /srv/app/server.py $port"; echo "[Install]"; echo "WantedBy=multi-user.target"; } | unit "$name"
    systemctl start "$name"
}

# await_port PORT / await_no_port PORT: at most 6 s.
await_port() { local i; for i in $(seq 60); do ss -Hltn "sport = :$1" | grep -q . && return 0; sleep 0.1; done; return 1; }
await_no_port() { local i; for i in $(seq 60); do ss -Hltn "sport = :$1" | grep -q . || return 0; sleep 0.1; done; return 1; }
await_unit() { local i; for i in $(seq 100); do [ "$(systemctl show -P ActiveState "$1")" = "$2" ] && return 0; sleep 0.1; done; return 1; }
await_container() { local i; for i in $(seq 60); do [ "$(docker inspect -f '{{.State.Status}}' "$1" 2>/dev/null)" = "$2" ] && return 0; sleep 0.1; done; return 1; }

# The first request is sent when everything listens: a healthy host has no failure in its logs.
await_health() {
    local i url
    for i in $(seq 60); do [ -S /run/php/php8.2-fpm.sock ] && break; sleep 0.1; done
    await_port 8000 && await_port 3000 && await_port 80 || { echo "not everything listens" >&2; return 1; }
    for url in http://shop.lan/ http://api.lan/ http://web.lan/; do
        for i in $(seq 60); do
            [ "$(curl -s -o /dev/null -m 3 -w '%{http_code}' "$url")" = 200 ] && continue 2
            sleep 0.2
        done
        echo "no 200 from $url" >&2
        return 1
    done
    ! grep -q '" 5[0-9][0-9] ' /var/log/nginx/access.log || { echo "the fresh host has failures in its log" >&2; return 1; }
}

# docker_up: dockerd as a unit of this host, with a small image of busybox (lab:bb).
docker_up() {
    systemctl start docker || return 1
    local d=/var/tmp/bb l
    mkdir -p $d/bin $d/www $d/tmp
    cp /bin/busybox $d/bin/
    for l in sh httpd sleep dd nc cat ls echo kill; do ln -sf busybox $d/bin/$l; done
    echo ok >$d/www/index.html
    tar -C $d -c . | docker import - lab:bb >/dev/null
}

# edge_up NETWORK CONF [files]: nginx in a container of its own, with the Docker socket and gatemedic mounted into it.
# Its logs go to the container's stdout and stderr, as in the official image, or to files.
edge_up() {
    local d=/var/tmp/edge f
    mkdir -p $d/{tmp,run,proc,sys,dev,opt,etc,var/log/nginx,var/lib/nginx,bin,usr/bin}
    for f in /usr/sbin/nginx /opt/gatemedic/gatemedic; do
        [ -e $f ] && ldd $f | grep -o '/[^ ]*' | while read -r l; do cp --parents -L "$l" $d/; done
    done
    cp --parents -L /usr/sbin/nginx /etc/passwd /etc/group /etc/nsswitch.conf $d/
    cp /bin/busybox $d/bin/; for f in sh sleep cat ls; do ln -sf busybox $d/bin/$f; done
    mkdir -p $d/etc/nginx
    printf 'user www-data;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log;\nevents {}\nhttp {\n  access_log /var/log/nginx/access.log;\n%s\n}\n' "$2" >$d/etc/nginx/nginx.conf
    if [ "${3:-}" != files ]; then
        ln -sf /dev/stdout $d/var/log/nginx/access.log
        ln -sf /dev/stderr $d/var/log/nginx/error.log
    fi
    tar -C $d -c . | docker import - lab:edge >/dev/null
    docker run -d --name edge --network "$1" \
        -v /var/run/docker.sock:/var/run/docker.sock -v /opt/gatemedic:/opt/gatemedic:ro \
        lab:edge /usr/sbin/nginx -g 'daemon off;' >/dev/null
}
