# Somebody blackholed the backend's network.
# expect-cause: net-blackhole-route
# expect-subject: 10\.88\.0\.2:8080
# client: 502
# marks:
inject() { ip route add blackhole 10.88.0.0/24; vhost far <<<'location / { proxy_pass http://10.88.0.2:8080; }'; }
drive() { req http://far.lan/; }
undo() { false; }
