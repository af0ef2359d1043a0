//! A host of one's own: a private nginx and backend in namespaces, so that nothing else that runs
//! on this machine has a say in the answer.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use jsonschema::Validator;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_gatemedic");

/// Ends a test that cannot be had here, and says why.
macro_rules! skip {
    ($($why:tt)*) => {{
        eprintln!("skipped: {}", format!($($why)*));
        return;
    }};
}
pub(crate) use skip;

/// The program with arguments, without a terminal.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

pub(crate) fn validator() -> Validator {
    let schema = include_str!("../../assets/schema/diagnosis-1.json");
    jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap()
}

/// The one JSON object on stdout, which keeps every general promise of the contract.
pub(crate) fn document(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8");
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}\n{notes}"));
    let errors: Vec<String> =
        validator().iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    assert!(!text.contains('\u{1b}') && !notes.contains('\u{1b}'), "an escape: {text}{notes}");
    assert!(notes.lines().all(|line| line.starts_with("gatemedic: ")), "{notes}");
    let code = match value["status"].as_str().unwrap() {
        "healthy" => 0,
        "degraded" => 1,
        "failing" => 2,
        _ => 3,
    };
    assert_eq!(output.status.code(), Some(code), "status and exit code disagree: {text}");
    let ranks: Vec<u64> =
        list(&value, "findings").iter().filter_map(|f| f["rank"].as_u64()).collect();
    assert!(ranks.iter().zip(1..).all(|(rank, at)| *rank == at), "{ranks:?}");
    for finding in list(&value, "findings") {
        assert!(!list(finding, "for").is_empty(), "a finding without evidence: {finding}");
    }
    value
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name} in {value}"))
}

/// A backend that answers 200 to a whole request and counts the bytes that it receives.
pub(crate) struct Backend {
    pub(crate) port: u16,
    received: Arc<AtomicUsize>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || answer(stream, &counter));
            }
        });
        Self { port, received }
    }

    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, counter: &AtomicUsize) {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        counter.fetch_add(read, Ordering::SeqCst);
        seen.extend_from_slice(&buffer[..read]);
        if seen.windows(4).any(|w| w == b"\r\n\r\n") {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
            );
            return;
        }
    }
}

/// A port on which nobody listens, as far as one can know.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder with an nginx configuration, and namespaces to run it in.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) front: u16,
}

impl World {
    /// `None`, with the reason, where namespaces or nginx cannot be had.
    pub(crate) fn new() -> Result<Self, String> {
        if !Path::new("/usr/sbin/nginx").exists() {
            return Err("there is no /usr/sbin/nginx".to_owned());
        }
        let made = Command::new("unshare").args(NAMESPACES).arg("true").output();
        if !made.as_ref().is_ok_and(|o| o.status.success()) {
            return Err("namespaces need root and unshare(1)".to_owned());
        }
        Ok(Self::folder())
    }

    /// A folder only.
    pub(crate) fn folder() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["logs", "tmp", "hidden", "bus"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir, front: free_port() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// Writes an nginx.conf with these lines in `http`.
    pub(crate) fn config(&self, http: &str) -> String {
        let d = self.dir.path().display();
        self.write(
            "nginx.conf",
            &format!(
                "pid {d}/nginx.pid;\nerror_log {d}/logs/error.log;\n\
                 events {{ worker_connections 64; }}\nhttp {{\n\
                 access_log {d}/logs/access.log;\nclient_body_temp_path {d}/tmp/b;\n\
                 proxy_temp_path {d}/tmp/p;\nfastcgi_temp_path {d}/tmp/f;\n\
                 uwsgi_temp_path {d}/tmp/u;\nscgi_temp_path {d}/tmp/s;\n{http}\n}}\n"
            ),
        )
    }

    /// An nginx.conf that passes everything to these ports.
    pub(crate) fn proxy_to(&self, ports: &[u16]) -> String {
        let server = |port: &u16| format!("server 127.0.0.1:{port};");
        let servers = ports.iter().map(server).collect::<Vec<_>>().join(" ");
        self.config(&format!(
            "upstream app {{ {servers} }}\nserver {{ listen 127.0.0.1:{}; location / {{ \
             proxy_pass http://app; }} }}",
            self.front
        ))
    }

    /// Runs shell lines, then the program, where no other gateway, systemd or Docker is seen. The
    /// lines see the folder as `$D`. Everything that they start ends with them.
    pub(crate) fn run(&self, before: &str, arguments: &[&str]) -> Output {
        self.command(before, PROGRAM, arguments).output().unwrap()
    }

    pub(crate) fn command(&self, before: &str, program: &str, arguments: &[&str]) -> Command {
        let script = format!(
            "set -e\nD=$1; shift\n\
             for etc in nginx apache2 httpd haproxy caddy traefik envoy; do\n\
             [ ! -d /etc/$etc ] || mount --bind \"$D/hidden\" /etc/$etc\ndone\n\
             mount -t tmpfs none /run\n\
             {before}\n\"$@\" </dev/null"
        );
        let mut command = Command::new("unshare");
        command.args(NAMESPACES).args(["sh", "-c", &script, "sh"]);
        command.arg(self.dir.path()).arg(program).args(arguments);
        command
    }
}

const NAMESPACES: [&str; 4] = ["--mount", "--pid", "--fork", "--mount-proc"];

/// Starts the nginx of a world.
pub(crate) const NGINX: &str =
    "/usr/sbin/nginx -p \"$D\" -c \"$D/nginx.conf\" 2>\"$D/logs/start.log\"";
