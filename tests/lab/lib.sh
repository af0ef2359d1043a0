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

# known_as NAME: http://NAME.lan/ leads to this host.
known_as() { grep -q " $1.lan" /etc/hosts || echo "127.0.0.1 $1.lan" >>/etc/hosts; }

# without_nginx: a host that never had nginx, so that another gateway can have port 80.
without_nginx() {
    systemctl disable -q --now nginx
    rm -rf /etc/nginx /usr/sbin/nginx /usr/lib/systemd/system/nginx.service /var/log/nginx /var/lib/nginx
    systemctl daemon-reload
}

# nginx_on PORT: nginx makes room for another gateway in front of it.
nginx_on() { sed -i "s/listen 80;/listen 127.0.0.1:$1;/" /etc/nginx/sites-enabled/*; systemctl restart nginx; await_port "$1"; }

# apache_site NAME [MODULE...]: reads a virtual host's body from stdin; Apache serves it on port 80 as http://NAME.lan/.
apache_site() {
    local name=$1
    shift
    a2enmod -q proxy proxy_http proxy_fcgi "$@" >/dev/null
    { echo '<VirtualHost *:80>'; echo "    ServerName $name.lan"; cat
      printf '    ErrorLog ${APACHE_LOG_DIR}/error.log\n    CustomLog ${APACHE_LOG_DIR}/access.log combined\n</VirtualHost>\n'; } >"/etc/apache2/sites-enabled/$name.conf"
    known_as "$name"
    apache2ctl configtest 2>/dev/null || { apache2ctl configtest; return 1; }
    systemctl enable -q apache2 2>/dev/null
    systemctl restart apache2 && await_port 80
}

# haproxy_conf: reads frontends and backends from stdin; they follow what Debian ships as global and defaults.
haproxy_conf() {
    [ -e /etc/haproxy/haproxy.dist ] || cp /etc/haproxy/haproxy.cfg /etc/haproxy/haproxy.dist
    { cat /etc/haproxy/haproxy.dist; echo; cat; } >/etc/haproxy/haproxy.cfg
    haproxy -c -q -f /etc/haproxy/haproxy.cfg || return 1
    systemctl enable -q haproxy 2>/dev/null
    systemctl restart haproxy && await_port 80
}

# haproxy_says COMMAND: the admin socket.
haproxy_says() { printf '%s\n' "$1" | python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect("/run/haproxy/admin.sock"); s.sendall(sys.stdin.buffer.read()); print(s.recv(65536).decode())'; }

# caddy_conf: reads the Caddyfile from stdin.
caddy_conf() {
    cat >/etc/caddy/Caddyfile
    systemctl enable -q caddy 2>/dev/null
    systemctl restart caddy && await_port 80
}

# supervised NAME [LINE...]: a program of Supervisor; its command is the first line of stdin.
supervised() {
    local name=$1
    shift
    { echo "[program:$name]"; printf 'command=%s\n' "$(cat)"; printf '%s\n' "$@"; } >"/etc/supervisor/conf.d/$name.conf"
    systemctl enable -q supervisor 2>/dev/null
    systemctl start supervisor
    local i
    for i in $(seq 50); do [ -S /run/supervisor.sock ] && break; sleep 0.1; done
    supervisorctl update >/dev/null
}
await_program() { local i; for i in $(seq 120); do supervisorctl status "$1" | grep -q " $2 " && return 0; sleep 0.1; done; return 1; }

# as_deploy COMMAND...: as the user whose applications PM2 runs, in that user's session.
as_deploy() {
    id deploy >/dev/null 2>&1 || useradd -m -s /bin/bash deploy
    runuser -u deploy -- env -C /home/deploy HOME=/home/deploy PATH=/usr/local/bin:/usr/bin:/bin PM2_DISABLE_VERSION_CHECK=true "$@"
}

# pm2_app NAME PORT [OPTION...]: reads the application from stdin; PM2 runs it with PORT as its argument.
pm2_app() {
    local name=$1 port=$2
    shift 2
    as_deploy mkdir -p "/home/deploy/$name"
    cat >"/home/deploy/$name/index.js"
    as_deploy pm2 start "/home/deploy/$name/index.js" --name "$name" "$@" -- "$port" >/dev/null
}
WEB_JS="const http = require('http'); http.createServer((q, r) => r.end('ok\n')).listen(Number(process.argv[2]), '127.0.0.1');"

# certificate NAME [SUBJECT-ALT-NAME]: a key and a certificate of its own authority under /srv/tls.
certificate() {
    mkdir -p /srv/tls && cd /srv/tls || return 1
    [ -e ca.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout ca.key -out ca.pem -subj '/CN=Lab authority' 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -out "$1.pem" -extfile <(echo "subjectAltName=${2:-DNS:$1}") 2>/dev/null
    chmod 644 ./*.key
    cd - >/dev/null || return 1
}

# tls_unit NAME PORT [PYTHON]: a unit that serves HTTPS with that certificate; PYTHON changes the context `c`.
tls_unit() {
    cat >"/srv/tls/$1.py" <<P
import http.server, ssl
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"ok\n")
s = http.server.ThreadingHTTPServer(("127.0.0.1", $2), Page)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("/srv/tls/$1.pem", "/srv/tls/$1.key")
${3:-}
s.socket = c.wrap_socket(s.socket, server_side=True)
s.serve_forever()
P
    printf '[Service]\nExecStart=/usr/bin/python3 /srv/tls/%s.py\n[Install]\nWantedBy=multi-user.target\n' "$1" | unit "$1"
    systemctl start "$1" && await_port "$2"
}

# uwsgi_unit NAME ADDRESS [OPTION...]: a WSGI application (from stdin) under uWSGI.
uwsgi_unit() {
    local name=$1 address=$2
    shift 2
    mkdir -p "/srv/$name"
    cat >"/srv/$name/wsgi.py"
    printf '[Unit]\nDescription=%s\n[Service]\nUser=www-data\nExecStart=/usr/bin/uwsgi --plugin python3 --master --processes 1 --socket %s --chdir /srv/%s --module wsgi %s\n[Install]\nWantedBy=multi-user.target\n' \
        "$name" "$address" "$name" "$*" | unit "$name"
    systemctl start "$name"
}

# nodeunit NAME PORT [LINE...]: a unit that runs the Node program read from stdin, with PORT as its argument.
nodeunit() {
    local name=$1 port=$2
    shift 2
    mkdir -p "/srv/$name"
    cat >"/srv/$name/server.js"
    { echo '[Unit]'; echo "Description=$name (Node)"; echo '[Service]'; echo 'User=www-data'; printf '%s\n' "$@"
      grep -q '^ExecStart=' <<<"$*" || echo "ExecStart=/usr/bin/node /srv/$name/server.js $port"; echo '[Install]'; echo 'WantedBy=multi-user.target'; } | unit "$name"
    systemctl start "$name"
}
