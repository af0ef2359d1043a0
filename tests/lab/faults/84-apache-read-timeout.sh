# A slow application behind Apache: its own timer ends the request, and its answer to that is 502.
# expect-cause: proxy-read-timeout
# expect-subject: 127\.0\.0\.1:8000
# expect-status: failing|degraded
# expect-exit: 1|2
# others-at-most: possible
# client: 502
# marks: T
inject() {
    without_nginx
    apache_site api <<'A'
ProxyTimeout 2
<Location "/">
    ProxyPass "http://127.0.0.1:8000/"
</Location>
A
    req http://api.lan/ 2 >/dev/null
}
drive() { req 'http://api.lan/slow?s=4' 2; sleep 2; req 'http://api.lan/slow?s=4' 1; }
undo() { false; }
