//! What the console costs while nothing happens: processor, memory, and bytes to the terminal,
//! with 100 upstreams and, where a Docker engine answers, 20 containers.
//!
//! `cargo bench --bench idle`; `-- --seconds 60` measures for longer.
#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a bench may fail loudly and builds what it measures"
)]

#[path = "console/backends.rs"]
mod backends;
#[path = "console/nginx.rs"]
mod nginx;
#[path = "console/process.rs"]
mod process;
#[path = "../terminal/pty.rs"]
mod pty;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nginx::Nginx;
use pty::Pty;

const CONTAINERS: usize = 20;
/// Until what is found has been followed everywhere.
const SETTLING: Duration = Duration::from_secs(10);
/// The limits: percent of a core, MiB, bytes a second.
const LIMITS: [f64; 3] = [1.0, 25.0, 2_000.0];

fn main() {
    let seconds = std::env::args().skip_while(|a| a != "--seconds").nth(1);
    let span = Duration::from_secs(seconds.and_then(|s| s.parse().ok()).unwrap_or(20));
    let folder = tempfile::tempdir().unwrap();
    let config = backends::write_config(folder.path(), &backends::backends());
    let nginx = Nginx::start(folder.path(), &config);
    let containers = Containers::start(folder.path());
    println!(
        "{} upstreams, {} containers, {}",
        backends::UPSTREAMS,
        containers.0,
        if nginx.0.is_some() { "a running nginx" } else { "no nginx: its file alone" }
    );

    let started = Instant::now();
    let mut console = Pty::start(env!("CARGO_BIN_EXE_gatemedic"), &["--config", &config]);
    console.until_frame();
    println!("first frame after {} ms", started.elapsed().as_millis());
    read_for(&mut console, SETTLING);
    let pid = console.pid().as_raw_nonzero().get();
    let (ticks, bytes) = (process::cpu_ticks(pid), console.bytes.len());
    let began = Instant::now();
    read_for(&mut console, span);
    let seconds = began.elapsed().as_secs_f64();
    let figures = [
        (process::cpu_ticks(pid) - ticks) / seconds,
        status_kib(pid, "VmRSS:") / 1_024.0,
        (console.bytes.len() - bytes) as f64 / seconds,
    ];
    let names = ["% of a core", "MiB resident", "bytes/s to the terminal"];
    for ((name, figure), limit) in names.iter().zip(figures).zip(LIMITS) {
        println!("{figure:8.2} {name}, {:.2} of the limit {limit}", figure / limit);
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    let mib = |field| status_kib(pid, field) / 1_024.0;
    println!(
        "{:8.2} MiB at most; {:.2} MiB of data, {:.2} MiB of the program; {threads} threads",
        mib("VmHWM:"),
        mib("RssAnon:"),
        mib("RssFile:")
    );
    if std::env::var_os("IDLE_SCREEN").is_some() {
        println!("{}", console.screen.screen().contents());
    }
    console.send(b"q");
    console.until_exit();
}

/// Reads whatever comes for so long.
fn read_for(console: &mut Pty, span: Duration) {
    let end = Instant::now() + span;
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(100));
        console.read_what_is_there();
    }
}

/// Containers that sleep; how many.
struct Containers(usize);

impl Containers {
    fn start(folder: &Path) -> Self {
        let busybox =
            ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|p| Path::new(p).exists());
        let Some(busybox) = busybox.filter(|_| docker(&["version"])) else { return Self(0) };
        let archive = folder.join("image.tar");
        let archive = archive.to_str().unwrap();
        let packed = Command::new("tar")
            .args(["-cf", archive, "-C", "/", "--transform", "s,.*,busybox,", busybox])
            .stderr(Stdio::null())
            .status();
        let image = "gm-idle:latest";
        if !packed.is_ok_and(|s| s.success()) || !docker(&["import", archive, image]) {
            return Self(0);
        }
        let started = (0..CONTAINERS).filter(|number| {
            let name = format!("gm-idle-{number}");
            docker(&[
                "run",
                "-d",
                "--name",
                &name,
                "--network",
                "none",
                image,
                "/busybox",
                "sleep",
                "600",
            ])
        });
        Self(started.count())
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for number in 0..CONTAINERS {
            docker(&["rm", "-f", &format!("gm-idle-{number}")]);
        }
        docker(&["rmi", "gm-idle:latest"]);
    }
}

fn docker(arguments: &[&str]) -> bool {
    let quiet = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}

fn status_kib(pid: i32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
