# One page sends a cookie of 70 kB; the others are fine.
# expect-cause: response-header-too-big
# expect-subject: 127\.0\.0\.1:8000
# expect-status: degraded|failing
# expect-exit: 1|2
# client: 502
# marks: A
# repair: verified
inject() { :; }
drive() { req http://api.lan/account 4; req http://api.lan/ 2 >/dev/null; }
undo() { :; }
