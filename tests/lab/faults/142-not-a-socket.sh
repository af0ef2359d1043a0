# Where the socket should be is a plain file that a backup put back.
# expect-cause: unix-socket-wrong-type
# expect-subject: /run/wiki/wiki\.sock
# client: 502
# marks: T
inject() {
    mkdir -p /run/wiki && touch /run/wiki/wiki.sock && chmod 666 /run/wiki/wiki.sock
    vhost wiki <<<'location / { proxy_pass http://unix:/run/wiki/wiki.sock; }'
}
drive() { req http://wiki.lan/; }
undo() { false; }
