# Somebody's test server took the port while the unit was down.
# expect-cause: app-port-in-use
# expect-subject: app\.service|127\.0\.0\.1:8000
# client: 200|404
# marks: A
# repair: verified
# repair-type: python3
inject() {
    systemctl stop app
    cd /srv/napp && setsid nohup python3 -m http.server 8000 >/dev/null 2>&1 </dev/null &
    await_port 8000
    systemctl start app
    await_unit app failed
}
drive() { req http://api.lan/; }
undo() { pkill -f 'http.server 8000'; await_no_port 8000; systemctl reset-failed app; systemctl restart app; await_port 8000; }
