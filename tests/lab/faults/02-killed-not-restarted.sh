# SIGKILL to the FPM master; Debian's unit has no Restart=.
# expect-cause: app-killed-not-restarted
# expect-subject: php8\.2-fpm\.service
# client: 502
# marks: A
# repair: verified
inject() { systemctl kill -s KILL --kill-who=main php8.2-fpm; await_unit php8.2-fpm failed; }
drive() { req http://shop.lan/; }
undo() { systemctl reset-failed php8.2-fpm; systemctl start php8.2-fpm; }
