# The same reject as an nftables table of its own, beside Docker-like chains that do nothing.
# expect-cause: firewall-reject
# expect-subject: 127\.0\.0\.1:8000
# client: 502
# marks: T
inject() {
    nft -f - <<'F'
table inet hardening {
    set apps {
        type inet_service
        elements = { 8000, 5432 }
    }
    chain local {
        type filter hook output priority 10; policy accept;
        oifname "lo" tcp dport @apps counter reject with tcp reset
    }
}
table ip metrics {
    chain seen {
        type filter hook input priority 0; policy accept;
        tcp dport 80 counter
    }
}
F
}
drive() { req http://api.lan/; }
undo() { nft delete table inet hardening; }
