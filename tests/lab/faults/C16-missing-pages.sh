# Visitors get 404, 403 and 301 from applications that are well.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200|301|40[34]
# marks:
inject() { vhost old <<<'location / { return 301 http://web.lan/; } location /private { deny all; }'; }
drive() { req http://api.lan/status/404 4; req http://old.lan/private 3; req http://old.lan/ 3; req http://web.lan/ 3; }
undo() { :; }
