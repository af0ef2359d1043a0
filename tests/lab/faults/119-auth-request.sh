# The service that auth_request asks is stopped: nginx answers 500 for an application that is well.
# expect-cause: auth-subrequest-failed-500|app-unit-stopped
# expect-subject: login\.service|127\.0\.0\.1:7719
# allow-cause: app-unit-stopped|auth-subrequest-failed-500
# client: 500
# marks:
inject() {
    pyunit login 7719 && await_port 7719
    vhost members <<'N'
location / { auth_request /auth; proxy_pass http://127.0.0.1:8000; }
location = /auth { internal; proxy_pass http://127.0.0.1:7719; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
N
    req http://members.lan/ 2 >/dev/null
    systemctl stop login
}
drive() { req http://members.lan/; }
undo() { systemctl start login; await_port 7719; }
