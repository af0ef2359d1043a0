# Caddy in front of an application that is stopped.
# expect-cause: app-unit-stopped
# expect-subject: app\.service
# client: 502
# repair: verified
# marks:
inject() {
    without_nginx
    caddy_conf <<'C'
http://api.lan {
	log {
		output file /var/log/caddy/access.log
	}
	reverse_proxy 127.0.0.1:8000
}
C
    req http://api.lan/ 2 >/dev/null
    systemctl stop app
}
drive() { req http://api.lan/; }
undo() { systemctl start app; await_port 8000; }
