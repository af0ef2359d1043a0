# docker: container removed (docker rm -f) after a failed deploy; image left
inject() { docker_up; docker run -d --name rel -p 5205:80 lab:bb httpd -f -p 80 -h /www >/dev/null; sleep 1; vhost dk <<<'location / { proxy_pass http://127.0.0.1:5205; }'; req http://dk.lan/ 2 >/dev/null; docker rm -f rel >/dev/null; sleep 1; }
drive() { req http://dk.lan/; }
