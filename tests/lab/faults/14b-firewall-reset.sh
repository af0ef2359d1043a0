# The same on the way out, with a TCP reset, in front of Node.
# expect-cause: firewall-reject
# expect-subject: 127\.0\.0\.1:3000
# client: 502
# marks: A T
inject() { iptables -I OUTPUT -o lo -p tcp --dport 3000 -j REJECT --reject-with tcp-reset; }
drive() { req http://web.lan/; }
undo() { iptables -D OUTPUT -o lo -p tcp --dport 3000 -j REJECT --reject-with tcp-reset; }
