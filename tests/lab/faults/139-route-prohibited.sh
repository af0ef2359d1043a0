# A route of this host prohibits the backend's network: "permission denied", and no file is meant.
# expect-cause: net-route-prohibit
# expect-subject: 10\.88\.0\.2:8080
# forbid: selinux|permission
# client: 502
# marks: T
inject() { ip route add prohibit 10.88.0.0/24; vhost far <<<'location / { proxy_pass http://10.88.0.2:8080; }'; }
drive() { req http://far.lan/; }
undo() { false; }
