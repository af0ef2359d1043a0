# The packets to the backend are rejected: to nginx identical to a dead application.
# expect-cause: firewall-reject
# expect-subject: 127\.0\.0\.1:8000
# client: 502
# marks: A T
# repair: refused rule
inject() { iptables -I INPUT -p tcp --dport 8000 -j REJECT; }
drive() { req http://api.lan/; }
undo() { iptables -D INPUT -p tcp --dport 8000 -j REJECT; }
