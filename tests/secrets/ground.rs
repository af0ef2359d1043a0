//! A host full of secrets: a real nginx, an application, an engine with a container, configurations,
//! logs and command lines, in namespaces of their own.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener, net::UnixStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

use super::{
    canaries::Canaries,
    lines,
    pty::Pty,
    world::{PROGRAM, World, free_port},
};

/// Runs before the program; `$D` is the folder, `$FRONT` the gateway's port.
const SCRIPT: &str = r#"set -e
D=$1; shift
cp -a /etc "$D/etc" 2>/dev/null || true
rm -rf "$D/etc/nginx" "$D/etc/apache2" "$D/etc/haproxy" "$D/etc/caddy" "$D/etc/traefik" "$D/etc/envoy"
cp -r "$D/plant/." "$D/etc/"
mount --bind "$D/etc" /etc
mount --bind "$D/varlog" /var/log
mount -t tmpfs -o mode=755 none /run
mkdir /run/conf /run/state /run/shop; chmod 700 /run/state
cp "$D/nginx.conf" /run/conf/nginx.conf
/usr/sbin/nginx -p "$D" -c /run/conf/nginx.conf 2>"$D/logs/start.log"
set +e
. "$D/app.sh"
while [ ! -S /run/shop/new.sock ]; do :; done
. "$D/requests.sh"
"$@"
echo $? >"$D/exit"
cp /run/conf/nginx.conf "$D/after.conf"
rm -rf "$D/state"; cp -r /run/state "$D/state"
rm -rf "$D/etc"
"#;

/// The host.
pub(crate) struct Ground {
    pub(crate) world: World,
    pub(crate) canaries: Canaries,
    /// What applications wrote.
    pub(crate) lines: Vec<String>,
}

impl Ground {
    /// With everything planted, or why that cannot be had.
    pub(crate) fn new() -> Result<Self, String> {
        let world = World::new()?;
        for program in ["/usr/bin/python3", "/usr/bin/curl", "/usr/bin/bash"] {
            if !PathBuf::from(program).exists() {
                return Err(format!("there is no {program}"));
            }
        }
        let mut canaries = Canaries::default();
        let lines = lines::planted(&mut canaries);
        let mut ground = Self { world, canaries, lines };
        ground.gateway();
        ground.application();
        ground.requests();
        ground.others();
        ground.engine();
        Ok(ground)
    }

    fn gateway(&mut self) {
        let (front, container) = (self.world.front, free_port());
        let d = self.world.path("").display().to_string();
        let text = self.canaries.plain(
            "    # old: proxy_pass http://app:{}@10.0.0.1:80;\n    set $api_token \"{}\";\n    \
             fastcgi_param DB_PASS {};\n    proxy_set_header Authorization \"Bearer {}\";\n    \
             proxy_set_header X-Api-Key {};\n    proxy_set_header Cookie \"sid={}\";\n    \
             add_header Set-Cookie \"sid={}\";\n",
        );
        let format = "log_format full '$remote_addr - $remote_user [$time_local] \"$request\" \
                      $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" \
                      \"$http_cookie\" upstream=$upstream_addr';";
        let config = format!(
            "{format}\naccess_log {d}/logs/full.log full;\nserver {{ listen 127.0.0.1:{front};\n  \
             auth_basic_user_file {d}/htpasswd;\n  location / {{\n{text}    proxy_pass \
             http://unix:/run/shop/old.sock;\n  }}\n  location /box {{ proxy_pass \
             http://127.0.0.1:{container}; }}\n}}"
        );
        self.world.config(&config);
        fs::write(self.world.path("port"), container.to_string()).unwrap();
        let hash = self.canaries.shaped("anna:{}\n", "$apr1$cnryfile$eIMziKDkbtysuU7LEK0099");
        self.world.write("htpasswd", &hash);
        let key = self.canaries.shaped(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            "MIIEcnryFILENBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        );
        self.world.write("site.key", &key);
    }

    /// On another socket than the gateway thinks; its command line and environment are full.
    fn application(&mut self) {
        self.world.write("app.py", include_str!("../repair/app.py"));
        let command = self.canaries.plain(
            "DB_PASS={} AWS_SECRET_ACCESS_KEY={} PLAIN={} /usr/bin/python3 \"$D/app.py\" --password \
             {} --db postgres://app:{}@db/x >/dev/null 2>&1 &\n\
             sh -c 'read -r x; exit' mysql -p{} --token={} <\"$D/never\" &\n",
        );
        let made = Command::new("mkfifo").arg(self.world.path("never")).status();
        assert!(made.unwrap().success());
        self.world.write("app.sh", &command);
        let variables = self.canaries.plain("DB_PASSWORD={}\nAPI_KEY='{}'\nNOT_TOLD={}\n");
        self.world.write(".env", &variables);
    }

    /// What clients send: queries, cookies, referers, credentials.
    fn requests(&mut self) {
        let front = self.world.front;
        let mut script = String::new();
        for _ in 0..3 {
            script += &self.canaries.plain(&format!(
                "curl -s -o /dev/null -m 2 -H 'Cookie: sid={{}}; b={{}}' -H 'Authorization: Bearer \
                 {{}}' -H 'X-Api-Key: {{}}' -e 'http://x/?token={{}}' \
                 'http://127.0.0.1:{front}/shop?password={{}}&api_key={{}}&page=2'\n\
                 curl -s -o /dev/null -m 2 'http://127.0.0.1:{front}/box?sig={{}}&code={{}}'\n"
            ));
        }
        self.world.write("requests.sh", &script);
    }

    /// Managers, units, balancers, package logs.
    fn others(&mut self) {
        let put = |name: &str, text: &str| {
            let path = self.world.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let c = &mut self.canaries;
        put(
            "plant/supervisor/supervisord.conf",
            &c.plain(
                "[unix_http_server]\nfile=/run/s.sock\nusername=a\npassword={}\n[program:shop]\n\
                 command=/opt/shop --password {} --port 3000\nenvironment=DB_PASS=\"{}\",COLOUR=\"{}\"\n",
            ),
        );
        put(
            "plant/systemd/system/shop.service",
            &c.plain(
                "[Service]\nEnvironment=\"DB_PASS={} x\" COLOUR={}\nExecStart=/opt/shop --token {}\n",
            ),
        );
        put(
            "haproxy.cfg",
            &c.plain(
                "userlist u\n  user a insecure-password {}\nfrontend f\n  bind 127.0.0.1:1\n  \
                 stats auth admin:{}\n  default_backend b\nbackend b\n  http-request set-header \
                 Authorization \"Basic {}\"\n  server s 127.0.0.1:9 check\n",
            ),
        );
        put(
            "varlog/apt/history.log",
            &c.plain(
                "Start-Date: 2026-11-26  01:00:00\nCommandline: apt-get install -o Acquire::http::\
                 Proxy=http://u:{}@proxy:3128 nginx --password={}\nUpgrade: nginx:amd64 (1.22, 1.24)\n\
                 End-Date: 2026-11-26  01:00:09\n",
            ),
        );
        let app: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        put("logs/app.log", &app);
    }

    fn engine(&mut self) {
        let text = include_str!("../fixtures/docker/ports.json");
        let mut inspect: serde_json::Value = serde_json::from_str(text).unwrap();
        let port = fs::read_to_string(self.world.path("port")).unwrap();
        let c = &mut self.canaries;
        inspect["State"]["Pid"] = 4_000_000_000_u64.into();
        inspect["Config"]["Env"] = serde_json::json!([c.plain("DB_PASS={}"), c.plain("COLOUR={}")]);
        inspect["Config"]["Cmd"] = serde_json::json!([
            "app",
            "--password",
            c.plain("{}"),
            c.plain("--db=redis://:{}@c/0")
        ]);
        inspect["Config"]["Labels"] =
            serde_json::json!({"api_token": c.plain("{}"), "com.docker.compose.service": "shop"});
        let bindings = serde_json::json!([{"HostIp": "127.0.0.1", "HostPort": port}]);
        inspect["NetworkSettings"]["Ports"]["3000/tcp"] = bindings.clone();
        inspect["HostConfig"]["PortBindings"]["3000/tcp"] = bindings;
        let log = self.lines.clone();
        let listener = UnixListener::bind(self.world.path("docker.sock")).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inspect, log) = (inspect.clone(), log.clone());
                thread::spawn(move || answer(stream, &inspect, &log));
            }
        });
    }

    fn command(&self, arguments: &[&str]) -> Vec<String> {
        let d = self.world.path("").display().to_string();
        let docker = format!("{d}/docker.sock");
        let before = [
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "bash",
            "-c",
            SCRIPT,
            "bash",
            &d,
            PROGRAM,
            "--docker-socket",
            &docker,
            "--state",
            "/run/state",
        ];
        before.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
    }

    /// Runs the program there, without a terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("unshare");
        command.args(self.command(arguments)).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs it on a terminal.
    pub(crate) fn console(&self, arguments: &[&str]) -> Pty {
        let words = self.command(arguments);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Pty::start_sized("unshare", &words, (180, 50), &[])
    }

    /// Everything below a folder, with its path and mode.
    pub(crate) fn files(&self, name: &str) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        let mut open = vec![self.world.path(name)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                    let bytes = fs::read(&path).unwrap_or_default();
                    found.push((path.display().to_string(), mode, bytes));
                }
            }
        }
        found
    }
}

fn answer(mut stream: UnixStream, inspect: &serde_json::Value, log: &[String]) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let id = inspect["Id"].as_str().unwrap();
    let body = if path.ends_with("/version") {
        "{\"ApiVersion\":\"1.41\"}".to_owned()
    } else if path.contains("/containers/json") {
        serde_json::json!([{"Id": id, "Names": ["/shop"], "State": "running"}]).to_string()
    } else if path.ends_with(&format!("/{id}/json")) {
        inspect.to_string()
    } else if path.contains("/top") {
        "{\"Titles\":[\"CMD\"],\"Processes\":[[\"app\"]]}".to_owned()
    } else if path.contains("/logs") {
        let now = jiff::Timestamp::now();
        let frames = log.iter().flat_map(|line| {
            let line = format!("{now} {line}\n");
            let length = u32::try_from(line.len()).unwrap().to_be_bytes();
            [&[2, 0, 0, 0], length.as_slice(), line.as_bytes()].concat()
        });
        let frames: Vec<u8> = frames.collect();
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(&[head.as_bytes(), &frames].concat());
        return;
    } else if path.contains("/events") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        // It stays open as long as it is read.
        let _ = stream.read(&mut byte);
        return;
    } else {
        "OK".to_owned()
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
