# The application itself answers 502: one hop further, nothing on this host.
# expect-cause: upstream-sent-5xx
# expect-subject: 127\.0\.0\.1:8000
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 502
# marks: A
inject() { :; }
drive() { req http://api.lan/status/502 4; }
undo() { :; }
