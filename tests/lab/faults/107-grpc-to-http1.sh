# grpc_pass to an application that speaks HTTP/1.1.
# expect-cause: protocol-grpc-to-http1
# expect-subject: 127\.0\.0\.1:3000
# client: 502
# marks:
inject() { vhost rpc <<<'location / { grpc_pass grpc://127.0.0.1:3000; }'; }
drive() { req http://rpc.lan/; }
undo() { rm /etc/nginx/sites-enabled/rpc; reload_nginx; }
