//! The console where something has run out: memory, processes, descriptors, disk, patience.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and starts what it tests"
)]

#[path = "exhaustion/cgroup.rs"]
mod cgroup;
#[path = "terminal/hung.rs"]
mod hung;
#[path = "terminal/pty.rs"]
mod pty;

use std::fmt::Write as _;
use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::Path,
};

use cgroup::Cgroup;
use hung::{DEAD_MOUNT, Hung, has_fuse};
use pty::Pty;

const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");
const NO_DOCKER: [&str; 2] = ["--docker-socket", "/nonexistent/docker.sock"];

/// Ends a test that cannot be had here, and says why.
macro_rules! or_skip {
    ($made:expr) => {
        match $made {
            Ok(made) => made,
            Err(why) => {
                eprintln!("skipped: {why}");
                return;
            }
        }
    };
}

/// The line with the clock.
fn clock(pty: &Pty) -> Option<String> {
    pty.screen.screen().contents().lines().nth(1).map(str::to_owned)
}

/// Lives on for some seconds of its own clock, and answers a key.
fn assert_alive(pty: &mut Pty) {
    for _ in 0..3 {
        let now = clock(pty);
        pty.until("the next second", |pty| clock(pty) != now);
    }
    pty.send(b"6");
    pty.until("an answer to a key", |pty| pty.screen.screen().contents().contains("[6 Memory]"));
}

fn leave(mut pty: Pty) {
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    pty.assert_screen_restored();
}

/// Either the console comes and can be left, or it says why not; the terminal is as before.
fn comes_or_says_why_not(mut pty: Pty, what: &str) {
    let shown = pty.frame_or_end();
    if shown {
        pty.send(b"\x03");
    }
    let end = pty.until_end();
    assert_eq!(end, None, "{what}: killed");
    pty.assert_restored();
    let text = pty.screen.screen().contents();
    assert!(shown || text.contains("gatemedic: "), "{what}: neither a frame nor a word: {text}");
    assert!(!pty.screen.screen().alternate_screen(), "{what}: the screen was not given back");
}

#[test]
fn it_lives_with_96_mib_while_logs_pour_in() {
    let group = or_skip!(Cgroup::new("memory"));
    group.set("memory.limit_in_bytes", "100663296");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let config = folder.path().join("nginx.conf");
    let text = format!(
        "pid {place}/nginx.pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{ access_log \
         {place}/access.log; server {{ listen 127.0.0.1:18095; location / {{ proxy_pass \
         http://127.0.0.1:18094; }} }} }}\n"
    );
    fs::write(&config, text).unwrap();
    let mut log = fs::File::create(folder.path().join("error.log")).unwrap();
    let arguments = [&["--config", config.to_str().unwrap()][..], &NO_DOCKER].concat();
    let mut pty = group.start(GATEMEDIC, &arguments);
    pty.until_frame();
    for portion in 0..100 {
        let now = jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S").to_string();
        let mut lines = String::new();
        for line in 0..2_000 {
            let _ = writeln!(
                lines,
                "{now} [error] 7#7: *{} connect() failed (111: Connection refused) while \
                 connecting to upstream, client: 192.0.2.{}, server: , request: \"GET /{line} \
                 HTTP/1.1\", upstream: \"http://127.0.0.1:18094/{line}\", host: \"h\"",
                portion * 2_000 + line,
                line % 250
            );
        }
        log.write_all(lines.as_bytes()).unwrap();
        pty.read_what_is_there();
    }
    assert_alive(&mut pty);
    assert_eq!(group.get("memory.oom_control", "oom_kill "), 0);
    // The text of an unoptimised program is twice as large as all its data, and is given back when
    // memory is short.
    pty.until("its data are small again after the flood", |pty| {
        let status =
            fs::read_to_string(format!("/proc/{}/status", pty.pid().as_raw_nonzero())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib <= 40 * 1_024
    });
    assert_eq!(group.get("memory.oom_control", "oom_kill "), 0);
    leave(pty);
}

#[test]
fn it_asks_the_kernel_for_no_mercy() {
    let mut pty = Pty::start(GATEMEDIC, &NO_DOCKER);
    pty.until_frame();
    let score = |pid: &str| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    assert_eq!(score(&pty.pid().as_raw_nonzero().to_string()), score("self"));
    leave(pty);
}

#[test]
fn it_lives_where_no_process_can_be_started_any_more() {
    let group = or_skip!(Cgroup::new("pids"));
    let mut pty = group.start(GATEMEDIC, &NO_DOCKER);
    pty.until_frame();
    // What it needs it has from its first seconds.
    assert_alive(&mut pty);
    pty.send(b"1");
    group.set("pids.max", &group.get("pids.current", "").to_string());
    assert_alive(&mut pty);
    leave(pty);
}

#[test]
fn where_threads_cannot_be_had_at_the_start_it_comes_or_says_why_not() {
    let group = or_skip!(Cgroup::new("pids"));
    for most in [1, 2, 3, 4, 5, 6, 8, 12] {
        group.set("pids.max", &most.to_string());
        comes_or_says_why_not(group.start(GATEMEDIC, &NO_DOCKER), &format!("{most} tasks"));
    }
}

#[test]
fn with_few_descriptors_it_comes_or_says_why_not() {
    for most in [64, 40, 24, 16, 12, 10, 8, 6] {
        let limit = format!("--nofile={most}:{most}");
        let arguments = [&[limit.as_str(), GATEMEDIC][..], &NO_DOCKER].concat();
        let pty = Pty::start("prlimit", &arguments);
        comes_or_says_why_not(pty, &format!("{most} descriptors"));
    }
    let arguments = [&["--nofile=64:64", GATEMEDIC][..], &NO_DOCKER].concat();
    let mut pty = Pty::start("prlimit", &arguments);
    pty.until_frame();
    assert_alive(&mut pty);
    leave(pty);
}

#[test]
fn with_a_full_disk_or_a_root_that_is_read_only_it_still_looks() {
    let hung = or_skip!(Hung::new());
    let full = "mount -t tmpfs -o size=16k,nr_inodes=4 none \"$D/state\"\n\
                head -c 1000000 /dev/zero > \"$D/state/x\" 2>/dev/null || true\n\
                touch \"$D/state/y\" \"$D/state/z\" \"$D/state/v\" 2>/dev/null || true";
    let state = hung.path("state/own").display().to_string();
    for before in [full, "mount -o remount,bind,ro / || mount -o remount,ro /"] {
        let mut pty = hung.start(before, &["--state", &state]);
        pty.until_frame();
        // The wizard keeps where one stands; that it cannot be kept ends nothing.
        pty.send(b"w");
        pty.send(b"\x1b[B");
        pty.send(b"\r");
        pty.send(b"1");
        assert_alive(&mut pty);
        leave(pty);
    }
}

#[test]
fn what_hangs_costs_a_bounded_number_of_threads_descriptors_and_connections() {
    let hung = or_skip!(Hung::new());
    let before = if has_fuse() { DEAD_MOUNT } else { "" };
    let config = hung.config();
    let mut pty = hung.start(before, &["--config", &config]);
    pty.until_frame();
    assert_alive(&mut pty);
    let console = *pty.consoles().first().expect("the console runs");
    let count = |what: &str| fs::read_dir(format!("/proc/{console}/{what}")).unwrap().count();
    let (threads, descriptors) = (count("task"), count("fd"));
    for _ in 0..3 {
        pty.send(b"1");
        pty.until("the overview", |pty| pty.screen.screen().contents().contains("[1 Overview]"));
        assert_alive(&mut pty);
    }
    // One stuck thread for each thing that hangs, and they were there before; a timer or a retry
    // may have come at the one moment and not at the other.
    assert!(count("task") <= threads + 4, "{threads} threads became {}", count("task"));
    assert!(count("fd") <= descriptors + 6, "{descriptors} became {}", count("fd"));
    hung.docker.set_nonblocking(true).unwrap();
    let connections = hung.docker.incoming().take_while(Result::is_ok).count();
    assert!((1..=8).contains(&connections), "{connections} connections to an engine that hangs");
    leave(pty);
}

#[test]
fn a_listener_is_found_among_twenty_thousand_sockets() {
    const PAIRS: u64 = 10_000;
    let limit = rustix::process::Rlimit { current: Some(30_000), maximum: Some(30_000) };
    if rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).is_err() {
        eprintln!("skipped: more descriptors are not allowed here");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pairs: Vec<(TcpStream, TcpStream)> = (0..PAIRS)
        .map(|_| (TcpStream::connect(address).unwrap(), listener.accept().unwrap().0))
        .collect();
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = backend.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nginx.conf");
    let text = format!(
        "events {{}}\nhttp {{ server {{ listen 127.0.0.1:18093; location / {{ proxy_pass \
         http://127.0.0.1:{port}; }} }} }}\n"
    );
    fs::write(&config, text).unwrap();
    let arguments = [&["--config", config.to_str().unwrap()][..], &NO_DOCKER].concat();
    let mut pty = Pty::start_sized(GATEMEDIC, &arguments, (120, 40), &[]);
    pty.until("the listener and who holds it", |pty| {
        let text = pty.screen.screen().contents();
        text.lines().any(|l| l.contains(&format!("127.0.0.1:{port}")) && l.contains("connects"))
    });
    assert_alive(&mut pty);
    leave(pty);
    drop(pairs);
}

#[test]
fn among_a_thousand_processes_it_comes_and_answers() {
    let hung = or_skip!(Hung::new());
    let crowd = "i=0; while [ $i -lt 1000 ]; do sleep 600 & i=$((i+1)); done";
    let config = hung.config();
    let mut pty = hung.start(crowd, &["--config", &config]);
    pty.until_frame();
    assert_alive(&mut pty);
    leave(pty);
}

#[test]
fn it_asks_no_name_of_the_system_resolver() {
    // getaddrinfo(3) has no deadline; names go through a resolver of our own, which has one.
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/resolve.rs"));
    assert!(own.unwrap().contains("hickory_resolver"));
    let mut pty = Pty::start(GATEMEDIC, &NO_DOCKER);
    pty.until_frame();
    let maps = fs::read_to_string(format!("/proc/{}/maps", pty.pid().as_raw_nonzero())).unwrap();
    assert!(!maps.contains("libnss_dns") && !maps.contains("libresolv"), "{maps}");
    leave(pty);
}
