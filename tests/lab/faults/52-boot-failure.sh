# A deploy with an import of something that is not installed: Gunicorn's workers do not boot.
# expect-cause: app-boot-failure
# expect-subject: app\.service
# client: 502
# marks: A
# repair: refused cannot load its own code
inject() {
    sed -i '2i import stripe' /srv/app/app.py
    systemctl restart app
    await_unit app failed
}
drive() { req http://api.lan/; }
undo() { sed -i '/^import stripe$/d' /srv/app/app.py; systemctl reset-failed app; systemctl start app; await_port 8000; }
