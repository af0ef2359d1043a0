# Caddy names a port where nothing listens, and keeps no access log: its journal alone tells.
# expect-cause: upstream-port-wrong
# expect-subject: (localhost|127\.0\.0\.1):3001
# expect-confidence: confirmed|likely
# client: 502
# marks:
inject() {
    without_nginx
    caddy_conf <<'C'
{
	admin off
}

http://web.lan {
	encode gzip
	handle /static/* {
		root * /var/www
		file_server
	}
	handle {
		reverse_proxy localhost:3001
	}
}
C
}
drive() { req http://web.lan/; }
undo() { false; }
