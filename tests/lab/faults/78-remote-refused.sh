# The backend is on another host, which refuses.
# expect-cause: remote-refused
# expect-subject: 10\.66\.0\.2:8080
# client: 502
# marks:
inject() {
    ip netns add far
    ip link add v0 type veth peer name v1 netns far
    ip addr add 10.66.0.1/24 dev v0; ip link set v0 up
    ip -n far addr add 10.66.0.2/24 dev v1; ip -n far link set v1 up
    vhost far <<<'location / { proxy_connect_timeout 2s; proxy_pass http://10.66.0.2:8080; }'
}
drive() { req http://far.lan/; }
undo() { ip netns exec far python3 /srv/app/server.py 8080 10.66.0.2 >/dev/null 2>&1 & sleep 1; }
