# Rejected with "administratively prohibited": errno 113, yet no host is down.
# expect-cause: firewall-reject
# expect-subject: 127\.0\.0\.1:8000
# client: 502
# marks: T
inject() { iptables -I INPUT -p tcp --dport 8000 -j REJECT --reject-with icmp-admin-prohibited; }
drive() { req http://api.lan/; }
undo() { iptables -D INPUT -p tcp --dport 8000 -j REJECT --reject-with icmp-admin-prohibited; }
