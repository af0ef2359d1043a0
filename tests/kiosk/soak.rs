//! A wall that nobody looks after.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use crate::{
    ground::{broker_of, descriptors, end, hindrance, is_drawn, kiosk, proc_file},
    pty::Pty,
    skip,
};

/// How long, unless `GATEMEDIC_SOAK_SECS` says otherwise.
const SECS: u64 = 20 * 60;
/// Sources that are lost in that time, and sizes of the screen.
const LOSSES: u64 = 500;
const SIZES: u64 = 1_000;
/// What memory may grow by from the first third to the last, in KiB.
const SLOPE: u64 = 1_024;
const NGINX: &str = "/usr/sbin/nginx";

/// Resident memory in KiB.
fn resident(pid: Pid) -> u64 {
    let status = proc_file(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// What is watched: a gateway of its own, its logs and a socket file.
struct World {
    folder: tempfile::TempDir,
    nginx: Option<Child>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "daemon off;\nmaster_process on;\npid {at}/nginx.pid;\nerror_log {at}/error.log;\n\
             events {{}}\nhttp {{ access_log {at}/access.log;\nclient_body_temp_path {at}/b; \
             proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; \
             scgi_temp_path {at}/s;\nserver {{ listen 127.0.0.1:{port}; location / {{ proxy_pass \
             http://unix:{at}/app.sock; }} }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut world = Self { folder, nginx: None };
        world.start();
        world
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        if Path::new(NGINX).exists() {
            let config = self.path("nginx.conf");
            let child = Command::new(NGINX)
                .arg("-c")
                .arg(config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            self.nginx = child.ok();
        }
    }

    /// Takes one thing away that is watched, and gives another back.
    fn lose(&mut self, turn: u64) {
        let log = |world: &Self, words: &str| {
            let now = jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S");
            let line = format!("{now} [error] 7#7: *{turn} {words}\n");
            fs::OpenOptions::new().append(true).create(true).open(world.path("error.log")).map(
                |mut file| {
                    let _ = std::io::Write::write_all(&mut file, line.as_bytes());
                },
            )
        };
        match turn % 5 {
            0 => {
                if let Some(mut nginx) = self.nginx.take() {
                    drop(nginx.kill());
                    drop(nginx.wait());
                }
            }
            1 => self.start(),
            2 => drop(fs::remove_file(self.path("error.log"))),
            3 => {
                let socket = self.path("app.sock");
                drop(fs::remove_file(&socket));
                drop(std::os::unix::net::UnixListener::bind(&socket));
            }
            _ => drop(fs::rename(self.path("error.log"), self.path("error.log.1"))),
        }
        drop(log(
            self,
            "connect() to unix:app.sock failed (111: Connection refused) while connecting to upstream",
        ));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(nginx) = &mut self.nginx {
            drop(nginx.kill());
            drop(nginx.wait());
        }
    }
}

struct Sample {
    memory: [u64; 2],
    descriptors: [usize; 2],
}

fn sample(screen: Pid, broker: Pid) -> Sample {
    let both = [screen, broker];
    Sample { memory: both.map(resident), descriptors: both.map(|pid| descriptors(pid).len()) }
}

/// The middle of what was measured.
fn middle(samples: &[Sample], value: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(value).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
#[ignore = "twenty minutes (GATEMEDIC_SOAK_SECS)"]
fn soak_of_twenty_minutes_of_losses_and_sizes_takes_no_memory_and_no_descriptor() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let asked = std::env::var("GATEMEDIC_SOAK_SECS").ok().and_then(|secs| secs.parse().ok());
    let secs: u64 = asked.unwrap_or(SECS);
    let (losses, sizes) = ((LOSSES * secs / SECS).max(20), (SIZES * secs / SECS).max(40));
    let mut world = World::new();
    let config = world.path("nginx.conf").display().to_string();
    let mut pty: Pty = kiosk(&["--strict", "-c", &config]);
    let (screen, broker) = (pty.pid(), broker_of(pty.pid()).unwrap());
    let (mut gone, mut resized, mut samples) = (0, 0, Vec::new());
    let begun = Instant::now();
    let whole = Duration::from_secs(secs);
    while begun.elapsed() < whole {
        let part = |count: u64| {
            let done = begun.elapsed().as_millis() * u128::from(count) / whole.as_millis();
            u64::try_from(done).unwrap()
        };
        while gone < part(losses) {
            world.lose(gone);
            gone += 1;
        }
        while resized < part(sizes) {
            let step = u16::try_from(resized % 97).unwrap();
            pty.resize(40 + step * 2, 15 + step % 40);
            resized += 1;
        }
        pty.read_what_is_there();
        // The bytes are not what is measured here.
        pty.bytes.clear();
        samples.push(sample(screen, broker));
        assert!(pty.child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(200));
    }
    pty.resize(120, 40);
    pty.until("a frame after all that", is_drawn);
    // The first third fills the rings.
    let third = samples.len() / 3;
    let (second, third_part) = (&samples[third..2 * third], &samples[2 * third..]);
    for (at, name) in ["screen", "broker"].into_iter().enumerate() {
        let memory = |part| middle(part, |sample| sample.memory[at]);
        let held = |part| middle(part, |sample| sample.descriptors[at] as u64);
        let (from, to) = (memory(second), memory(third_part));
        eprintln!(
            "{name}: {from} KiB, then {to} KiB; {} descriptors, then {} ({gone} losses, {resized} sizes, {secs} s)",
            held(second),
            held(third_part)
        );
        assert!(to < from + SLOPE, "{name} grew from {from} to {to} KiB");
        assert!(held(third_part) <= held(second), "{name} holds more descriptors");
    }
    end(screen, Signal::TERM);
    pty.until_exit();
}
