# docker: oom-killed with restart always, flapping
inject() { docker_up; docker run -d --name hog --restart always --memory 24m --memory-swap 24m -p 5203:80 lab:bb sh -c 'httpd -p 80 -h /www; sleep 2; dd if=/dev/zero of=/dev/null bs=200M' >/dev/null; sleep 6; vhost dk <<<'location / { proxy_pass http://127.0.0.1:5203; }'; }
drive() { req http://dk.lan/ 6 0.7; docker ps -a --format '{{.Names}} {{.Status}}'; }
