# docker: published on 127.0.0.2, nginx asks 127.0.0.1
inject() { docker_up; docker run -d --name shop2 -p 127.0.0.2:5201:80 lab:bb httpd -f -p 80 -h /www >/dev/null; sleep 1; vhost dk <<<'location / { proxy_pass http://127.0.0.1:5201; }'; }
drive() { req http://dk.lan/; }
