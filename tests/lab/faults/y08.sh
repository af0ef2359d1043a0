# rust panic at start: config missing
inject() {
    printf '[Service]\nExecStart=/bin/sh -c "echo \\"thread main panicked at src/main.rs:41:10:\\"; echo \\"called Result::unwrap() on an Err value: Os { code: 2, kind: NotFound, message: No such file or directory }\\"; exit 101" -- --port 5208\n' | unit rusty; systemctl start rusty; sleep 1
    vhost ru <<<'location / { proxy_pass http://127.0.0.1:5208; }'; }
drive() { req http://ru.lan/; }
