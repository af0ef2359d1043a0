# Caddy verifies a backend whose certificate comes from an authority that this host does not trust.
# expect-cause: tls-untrusted-ca
# expect-subject: 127\.0\.0\.1:8443|ledger\.internal
# client: 502
# marks:
inject() {
    without_nginx
    certificate ledger.internal
    tls_unit ledger.internal 8443
    caddy_conf <<'C'
http://ledger.lan {
	log {
		output file /var/log/caddy/access.log
	}
	reverse_proxy https://127.0.0.1:8443 {
		transport http {
			tls_server_name ledger.internal
		}
	}
}
C
    known_as ledger
}
drive() { req http://ledger.lan/; }
undo() { false; }
