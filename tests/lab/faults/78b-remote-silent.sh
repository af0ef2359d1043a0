# The backend's host on the same network is switched off.
# expect-cause: host-down-arp
# expect-subject: 10\.66\.0\.9:8080
# expect-confidence: likely|confirmed
# client: 502
# marks:
# nobody: skip
inject() {
    ip netns add far
    ip link add v0 type veth peer name v1 netns far
    ip addr add 10.66.0.1/24 dev v0; ip link set v0 up; ip -n far link set v1 up
    vhost far <<<'location / { proxy_connect_timeout 5s; proxy_pass http://10.66.0.9:8080; }'
}
drive() { req http://far.lan/ 3; }
undo() { ip -n far addr add 10.66.0.9/24 dev v1; ip netns exec far python3 /srv/app/server.py 8080 10.66.0.9 >/dev/null 2>&1 & sleep 1; }
