# A slow application behind Caddy, which waits two seconds for a header.
# expect-cause: proxy-read-timeout
# expect-subject: 127\.0\.0\.1:8000
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 504
# marks:
inject() {
    without_nginx
    caddy_conf <<'C'
http://api.lan {
	log {
		output file /var/log/caddy/access.log
	}
	reverse_proxy 127.0.0.1:8000 {
		transport http {
			response_header_timeout 2s
		}
	}
}
C
    req http://api.lan/ 2 >/dev/null
}
drive() { req 'http://api.lan/slow?s=3' 3; }
undo() { false; }
