# Caddy in front of all three applications, all healthy, with traffic.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() {
    without_nginx
    chmod 666 /run/php/php8.2-fpm.sock
    caddy_conf <<'C'
(logged) {
	log {
		output file /var/log/caddy/access.log
	}
}
http://api.lan {
	import logged
	reverse_proxy 127.0.0.1:8000
}
http://web.lan {
	import logged
	reverse_proxy localhost:3000
}
http://shop.lan {
	import logged
	root * /var/www/shop
	php_fastcgi unix//run/php/php8.2-fpm.sock
}
C
}
drive() { req http://shop.lan/ 4; req http://api.lan/ 4; req http://web.lan/ 4; }
undo() { false; }
