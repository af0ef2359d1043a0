# socket-activated service crashes until the socket fails too (service-start-limit-hit)
inject() { printf '[Socket]\nListenStream=/run/act.sock\n' >/etc/systemd/system/act.socket; printf '[Service]\nExecStart=/bin/sh -c "echo KeyError: SECRET_KEY >&2; exit 1"\n' | unit act; systemctl start act.socket; vhost z <<<'location / { proxy_pass http://unix:/run/act.sock; }'; req http://z.lan/ 8 0.2 >/dev/null; sleep 1; systemctl status act.socket --no-pager | head -8; }
drive() { req http://z.lan/; ls -l /run/act.sock; }
