//! What recording costs at rest, with 100 upstreams: processor time of the thread that writes and
//! bytes an hour, and how small records become.
//!
//! `cargo bench --bench recorder`; `-- --seconds 600` measures for longer, `-- --packing` only the
//! packing.
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
#[path = "recorder/packing.rs"]
mod packing;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nginx::Nginx;

/// Until what is found has been followed everywhere, and every state was written once.
const SETTLING: Duration = Duration::from_secs(20);
/// The limits: percent of a core, megabytes an hour.
const LIMITS: [f64; 2] = [1.0, 5.0];

fn main() {
    let all: Vec<String> = std::env::args().collect();
    let seconds = all.iter().skip_while(|a| *a != "--seconds").nth(1);
    let span = Duration::from_secs(seconds.and_then(|s| s.parse().ok()).unwrap_or(60));
    packing::measure();
    if !all.iter().any(|a| a == "--packing") {
        rest(span);
    }
}

fn rest(span: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let config = backends::write_config(folder.path(), &backends::backends());
    let nginx = Nginx::start(folder.path(), &config);
    let with = if nginx.0.is_some() { "a running nginx" } else { "no nginx: its file alone" };
    println!("{} upstreams, {with}, measured for {} s", backends::UPSTREAMS, span.as_secs());
    let file = folder.path().join("rest.gmr");
    let mut recording = Command::new(env!("CARGO_BIN_EXE_gatemedic"))
        .args(["record", file.to_str().unwrap(), "--config", &config])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = recording.id();
    thread::sleep(SETTLING);
    let length = || fs::metadata(&file).unwrap().len();
    let (first, ticks, began) = (length(), thread_ticks(pid), Instant::now());
    thread::sleep(span);
    let seconds = began.elapsed().as_secs_f64();
    let grown = (length() - first) as f64;
    let figures = [(thread_ticks(pid) - ticks) / seconds, grown / seconds * 3_600.0 / 1_000_000.0];
    let names = ["% of a core, the thread that records", "MB an hour"];
    for ((name, figure), limit) in names.iter().zip(figures).zip(LIMITS) {
        println!("{figure:8.2} {name}, {:.2} of the limit {limit}", figure / limit);
    }
    println!("{first:8} bytes for what was found at the start");
    let own = rustix::process::Pid::from_child(&recording);
    rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
    recording.wait().unwrap();
    packing::describe(&fs::read(&file).unwrap());
}

/// Hundredths of a second of the thread that writes (`proc_pid_stat(5)`, fields 14 and 15).
fn thread_ticks(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let own = tasks.map(|task| task.unwrap().path()).find(|task| named(task, "recorder"));
    let stat = fs::read_to_string(own.expect("there is a recorder").join("stat")).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

fn named(task: &Path, name: &str) -> bool {
    fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name)
}
