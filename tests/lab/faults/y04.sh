# docker: healthcheck fails, port open and answering (200): degraded at most
inject() { docker_up; docker run -d --name sick --health-cmd 'exit 1' --health-interval 1s --health-retries 1 -p 5204:80 lab:bb httpd -f -p 80 -h /www >/dev/null; sleep 3; vhost dk <<<'location / { proxy_pass http://127.0.0.1:5204; }'; }
drive() { req http://dk.lan/ 5; }
