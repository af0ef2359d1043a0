# npm wrapper: node killed by SIGKILL, wrapper exits 137
inject() { printf '[Service]\nExecStart=/bin/sh -c "python3 /srv/app/server.py 5217; exit $?"\n' | unit npmapp; sed -i 's/exit $?/exit $$?/' /etc/systemd/system/npmapp.service; systemctl daemon-reload; systemctl start npmapp; await_port 5217; vhost np <<<'location / { proxy_pass http://127.0.0.1:5217; }'; req http://np.lan/ 2; pkill -9 -f '^python3 /srv/app/server.py 5217'; sleep 1; }
drive() { req http://np.lan/; systemctl show npmapp -p ExecMainStatus -p Result; }
