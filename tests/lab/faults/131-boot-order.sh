# After a reboot the application was started before the database that it needs, and it did not wait.
# expect-cause: boot-order|app-unit-failed-exit
# expect-subject: rooms\.service
# reboot: yes
# client: 502
# marks:
inject() {
    mkdir -p /srv/rooms
    { printf 'import socket, sys\ntry:\n    socket.create_connection(("127.0.0.1", 7738), 1)\nexcept OSError as e:\n    print("rooms: database at 127.0.0.1:7738:", e, file=sys.stderr)\n    sys.exit(1)\n'; cat /srv/app/server.py; } >/srv/rooms/main.py
    pyunit roomsdb 7738 && await_port 7738
    sed -i 's|^ExecStart=|ExecStartPre=/bin/sleep 2\nExecStart=|' /etc/systemd/system/roomsdb.service
    printf '[Service]\nUser=www-data\nExecStart=/usr/bin/python3 /srv/rooms/main.py 7739\n[Install]\nWantedBy=multi-user.target\n' | unit rooms
    systemctl start rooms && await_port 7739
    systemctl enable -q rooms roomsdb
    vhost rooms <<<'location / { proxy_pass http://127.0.0.1:7739; }'
    req http://rooms.lan/ 2 >/dev/null
}
drive() { known_as rooms; await_port 80; await_port 7738; req http://rooms.lan/; }
undo() { systemctl reset-failed rooms; systemctl start rooms; await_port 7739; }
