# uwsgi emperor; its vassal is broken (emperor active)
inject() { mkdir -p /etc/uwsgi/vassals /srv/vas /run/uw; chown www-data /run/uw; printf '[uwsgi]\nplugin=python3\nsocket=/run/uw/site.sock\nchdir=/srv/nodir\nmodule=wsgi\nneed-app=true\n' >/etc/uwsgi/vassals/site.ini
    printf '[Service]\nExecStart=/usr/bin/uwsgi --emperor /etc/uwsgi/vassals\nKillSignal=SIGQUIT\n' | unit emperor; systemctl start emperor; sleep 4; vhost z <<<'location / { include uwsgi_params; uwsgi_pass unix:/run/uw/site.sock; }'; }
drive() { req http://z.lan/; }
