//! A host in namespaces of its own on which everything that may be asked hangs: the bus, Docker's
//! engine, the resolver, a mount.

use std::{
    net::UdpSocket,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::Command,
};

use super::pty::Pty;

const NAMESPACES: [&str; 4] = ["--mount", "--pid", "--fork", "--mount-proc"];

/// The folder and the sockets that take a connection and never answer.
pub struct Hung {
    dir: tempfile::TempDir,
    /// Docker's engine: whoever connects waits here.
    pub docker: UnixListener,
    _bus: UnixListener,
    _resolver: UdpSocket,
}

impl Hung {
    /// `Err` with the reason where it cannot be had.
    pub fn new() -> Result<Self, String> {
        let made = Command::new("unshare").args(NAMESPACES).arg("true").output();
        if !made.is_ok_and(|o| o.status.success()) {
            return Err("namespaces need root and unshare(1)".to_owned());
        }
        let dir = tempfile::tempdir().unwrap();
        for name in ["hidden", "dbus", "mount", "state"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let socket = |name: &str| UnixListener::bind(dir.path().join(name)).unwrap();
        let (docker, bus) = (socket("docker.sock"), socket("dbus/system_bus_socket"));
        // Any of these addresses: another test may hold one.
        let resolver = (1..250).find_map(|n| UdpSocket::bind(format!("127.78.0.{n}:53")).ok());
        let resolver = resolver.ok_or("port 53 of no loopback address is free")?;
        let address = resolver.local_addr().unwrap().ip();
        std::fs::write(dir.path().join("resolv.conf"), format!("nameserver {address}\n")).unwrap();
        Ok(Self { dir, docker, _bus: bus, _resolver: resolver })
    }

    /// Its folder; `$D` in the lines of [`Hung::start`].
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An nginx.conf with a named and a numbered upstream.
    pub fn config(&self) -> String {
        let d = self.dir.path().display();
        let path = self.path("nginx.conf");
        let text = format!(
            "pid {d}/nginx.pid;\nerror_log {d}/error.log;\nevents {{}}\nhttp {{\n\
             access_log {d}/access.log;\nserver {{ listen 127.0.0.1:18097;\n\
             location / {{ proxy_pass http://app.example.test:80; }}\n\
             location /b {{ proxy_pass http://127.0.0.1:18096; }} }} }}\n"
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs shell lines, then the console, where no other gateway, bus or engine is seen.
    pub fn start(&self, before: &str, arguments: &[&str]) -> Pty {
        let script = format!(
            "set -e\nD=$1; shift\nmount --bind \"$D/hidden\" /etc/nginx 2>/dev/null || true\n\
             mount -t tmpfs none /run\nmkdir -p /run/dbus\nmount --bind \"$D/dbus\" /run/dbus\n\
             mount --bind \"$D/resolv.conf\" \"$(readlink -f /etc/resolv.conf)\"\n{before}\n\"$@\""
        );
        let docker = self.path("docker.sock").display().to_string();
        let folder = self.dir.path().display().to_string();
        let start = ["sh", "-c", &script, "sh", &folder, env!("CARGO_BIN_EXE_gatemedic")];
        let docker = ["--docker-socket", &docker];
        let all = [&NAMESPACES[..], &start, &docker, arguments].concat();
        Pty::start_sized("unshare", &all, (120, 40), &[])
    }
}

/// A mount whose server never answers: nobody reads what the kernel asks of it.
pub const DEAD_MOUNT: &str = "exec 9<>/dev/fuse\n\
    mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 none \"$D/mount\"";

/// Whether such a mount can be had.
pub fn has_fuse() -> bool {
    Path::new("/dev/fuse").exists()
}
