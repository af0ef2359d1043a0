# java out of heap, process lives (threads dead): 502 closed / 504
inject() {
    printf 'import socket\ns=socket.socket();s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1);s.bind(("127.0.0.1",5209));s.listen(50)\nwhile True:\n  c,_=s.accept();c.recv(4096);print("Exception in thread \\"http-nio-8080-exec-3\\" java.lang.OutOfMemoryError: Java heap space",flush=True);c.close()\n' >/srv/jvm.py
    printf '[Service]\nExecStart=/usr/bin/python3 /srv/jvm.py\n' | unit tomcat9; systemctl start tomcat9; await_port 5209
    vhost jh <<<'location / { proxy_pass http://127.0.0.1:5209; }'; }
drive() { req http://jh.lan/; }
