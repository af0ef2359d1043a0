# Apache was installed beside nginx and took port 80 when nginx was restarted.
# expect-cause: proxy-port-in-use
# expect-subject: nginx|:80\b|apache
# client: 404
# marks: T
inject() {
    systemctl stop nginx
    systemctl start apache2 && await_port 80
    systemctl start nginx 2>/dev/null
    await_unit nginx failed
}
drive() { req http://web.lan/x 4; }
undo() { systemctl stop apache2; systemctl reset-failed nginx; systemctl start nginx; await_port 80; }
