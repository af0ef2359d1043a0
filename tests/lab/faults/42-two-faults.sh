# Two vhosts, two different faults at once.
# expect-cause: app-unit-stopped
# expect-subject: napp\.service
# expect-also: unix-socket-permission php8\.2-fpm
# any-order: yes
# client: 502
# marks:
inject() { systemctl stop napp; chown root:root /run/php/php8.2-fpm.sock; chmod 600 /run/php/php8.2-fpm.sock; }
drive() { req http://shop.lan/ 3; req http://web.lan/ 3; }
undo() { systemctl start napp; systemctl restart php8.2-fpm; }
