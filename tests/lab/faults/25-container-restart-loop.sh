# A container that crashes at start and is restarted for ever.
# expect-cause: container-restart-loop
# expect-subject: mailer
# client: 502
# marks: A
# repair: refused restarted all the time
inject() {
    docker_up
    docker run -d --name mailer --restart always -p 127.0.0.1:2525:8025 lab:bb sh -c 'echo "FATAL: environment variable SMTP_HOST is not set" >&2; sleep 0.3; exit 1' >/dev/null
    vhost mailer <<<'location / { proxy_pass http://127.0.0.1:2525; }'
    sleep 4
}
drive() { req http://mailer.lan/ 5 0.4; }
undo() { docker rm -f mailer >/dev/null; }
