# Both members of a balancer were down and are back; Apache keeps them in the error state for a minute.
# expect-cause: apache-balancer-error-state
# expect-subject: fleet|127\.0\.0\.1:810[12]
# client: 503
# nobody: skip
# marks: T
inject() {
    without_nginx
    pyunit fleet-a 8101; pyunit fleet-b 8102
    await_port 8101 && await_port 8102
    apache_site fleet proxy_balancer lbmethod_byrequests <<'A'
<Proxy "balancer://fleet">
    BalancerMember http://127.0.0.1:8101 retry=90
    BalancerMember http://127.0.0.1:8102 retry=90
    ProxySet forcerecovery=Off
</Proxy>
ProxyPass / balancer://fleet/
A
    req http://fleet.lan/ 2 >/dev/null
    systemctl stop fleet-a fleet-b
    req http://fleet.lan/ 4 >/dev/null
    systemctl start fleet-a fleet-b
    await_port 8101 && await_port 8102
}
drive() { req http://fleet.lan/ 4; }
undo() { systemctl reload apache2; sleep 1; }
