# A resolver that takes two seconds for each answer, and a gateway that waits for it: every client gets its 200.
# expect-cause: -
# expect-status: healthy
# expect-exit: 0
# client: 200
# marks:
inject() {
    setsid nohup python3 -c '
import socket, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 5454))
def answer(question, asker):
    time.sleep(2)
    end = question.index(b"\0", 12) + 5
    wants_v4 = question[end - 4:end - 2] == b"\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if wants_v4 else b""
    s.sendto(question[:2] + b"\x81\x80\0\1" + (b"\0\1" if wants_v4 else b"\0\0") + b"\0\0\0\0" + question[12:end] + record, asker)
while True:
    threading.Thread(target=answer, args=s.recvfrom(512)).start()' >/dev/null 2>&1 </dev/null &
    vhost geo <<'N'
location / {
    resolver 127.0.0.1:5454;
    set $backend geo.internal;
    proxy_pass http://$backend:8000;
}
N
}
drive() { req http://geo.lan/ 2; }
undo() { rm /etc/nginx/sites-enabled/geo; reload_nginx; }
