# The same from PHP: another directive is at fault.
# expect-cause: response-header-too-big
# expect-subject: php8\.2-fpm
# expect-status: degraded|failing
# expect-exit: 1|2
# client: 502
# marks: A
# repair: verified
inject() { :; }
drive() { req 'http://shop.lan/?basket=1' 4; req http://shop.lan/ 2 >/dev/null; }
undo() { :; }
