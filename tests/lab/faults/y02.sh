# docker: entrypoint waits for the database; container up, nothing listens inside
inject() { docker_up; docker run -d --name crm -p 5202:80 lab:bb sh -c 'echo "waiting for db:5432..."; sleep 1000' >/dev/null; sleep 1; vhost dk <<<'location / { proxy_pass http://127.0.0.1:5202; }'; }
drive() { req http://dk.lan/; }
