# The application moved to a TCP port; the file of its old socket is still there.
# expect-cause: unix-socket-stale
# expect-subject: /run/wiki/wiki\.sock
# client: 502
# marks: A
inject() {
    mkdir -p /run/wiki
    chown www-data /run/wiki
    python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("/run/wiki/wiki.sock"); s.listen()'
    chmod 666 /run/wiki/wiki.sock
    pyunit wiki 7788 && await_port 7788
    vhost wiki <<<'location / { proxy_pass http://unix:/run/wiki/wiki.sock; }'
}
drive() { req http://wiki.lan/; }
undo() { rm /etc/nginx/sites-enabled/wiki; reload_nginx; }
