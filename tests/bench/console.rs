//! What the console costs the person who waits: key to frame while logs pour in, what goes to the
//! terminal at rest, and how fast the terminal is given back. Beside btop where it is installed.
//!
//! `cargo bench --bench console`; `-- --keys 1000` measures for longer.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
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

#[path = "console/flood.rs"]
mod flood;
#[path = "console/process.rs"]
mod process;
#[path = "../terminal/pty.rs"]
mod pty;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use flood::Flood;
use pty::Pty;
use rustix::process::Signal;

const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");
/// Lines a second.
const LINES: usize = 20_000;
/// Until what is found has been followed everywhere.
const SETTLING: Duration = Duration::from_secs(5);
/// How long the terminal is watched at rest.
const REST: Duration = Duration::from_secs(10);
/// Limits at rest: percent of a core, MiB, bytes a second.
const QUIET: [f64; 3] = [1.0, 25.0, 2_000.0];
/// Between two keys.
const THINKING: Duration = Duration::from_millis(37);
/// Bytes a second of 9,600 bit/s with one start and one stop bit.
const SLOW: usize = 960;

fn main() {
    let told = std::env::args().skip_while(|a| a != "--keys").nth(1);
    let keys: usize = told.and_then(|n| n.parse().ok()).unwrap_or(400);
    let folder = tempfile::tempdir().unwrap();
    let config = flood::write_config(folder.path());
    println!("gatemedic {}", if cfg!(debug_assertions) { "(unoptimised)" } else { "(release)" });
    at_rest(&config);
    under_load(folder.path(), &config, keys);
    slow_line(&config);
    ways_out(&config);
    hang_up(&config);
    beside_btop(keys);
}

fn start(config: &str) -> Pty {
    let quiet = ["--docker-socket", "/nonexistent/docker.sock"];
    let arguments = [&["--config", config][..], &quiet].concat();
    let mut pty = Pty::start_sized(GATEMEDIC, &arguments, (120, 40), &[]);
    pty.until_frame();
    pty
}

fn row(name: &str, figure: f64, unit: &str, limit: f64) {
    let mark = if figure <= limit { "" } else { "   OVER" };
    println!("  {name:<44} {figure:9.2} {unit:<12} limit {limit}{mark}");
}

/// Nothing happens.
fn at_rest(config: &str) {
    let began = Instant::now();
    let mut console = start(config);
    row("first frame", millis(began.elapsed()), "ms", 300.0);
    console.read_for(SETTLING);
    rest("at rest", &mut console, QUIET);
    console.send(b"q");
    console.until_exit();
}

fn rest(name: &str, pty: &mut Pty, limits: [f64; 3]) {
    let pid = pty.pid().as_raw_nonzero().get();
    let (ticks, bytes, began) = (process::cpu_ticks(pid), pty.bytes.len(), Instant::now());
    pty.read_for(REST);
    let seconds = began.elapsed().as_secs_f64();
    let cpu = (process::cpu_ticks(pid) - ticks) / seconds;
    row(&format!("{name}: processor"), cpu, "% of a core", limits[0]);
    row(&format!("{name}: memory"), process::resident_mib(pid), "MiB", limits[1]);
    let sent = (pty.bytes.len() - bytes) as f64 / seconds;
    row(&format!("{name}: to the terminal"), sent, "bytes/s", limits[2]);
}

/// Keys while logs pour in.
fn under_load(folder: &Path, config: &str, keys: usize) {
    let mut console = start(config);
    console.read_for(Duration::from_secs(2));
    let calm = press(&mut console, keys / 4);
    percentiles("key to frame, calm", &calm, 16.0);
    let flood = Flood::start(folder, LINES);
    // Until it is seen.
    console.read_for(Duration::from_secs(3));
    rest("under load", &mut console, [25.0, 64.0, 64_000.0]);
    let busy = press(&mut console, keys);
    let rate = flood.stop();
    percentiles(&format!("key to frame, {rate:.0} lines/s"), &busy, 16.0);
    console.send(b"q");
    console.until_exit();
}

/// Turns from view to view and waits until each is there.
fn press(console: &mut Pty, keys: usize) -> Vec<f64> {
    let views = ["[6 Memory]", "[3 Causes]", "[7 Units]", "[1 Overview]", "[2 Chain]"];
    let pressed = views.iter().cycle().take(keys).map(|view| {
        console.read_for(THINKING);
        let began = Instant::now();
        console.send(&view.as_bytes()[1..2]);
        console.until(view, |pty| pty.screen.screen().contents().contains(view));
        millis(began.elapsed())
    });
    pressed.collect()
}

fn percentiles(name: &str, millis: &[f64], limit: f64) {
    let mut sorted = millis.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    row(&format!("{name}: p50"), at(0.5), "ms", limit);
    row(&format!("{name}: p99"), at(0.99), "ms", limit);
    println!("  {name}: at most {:.2} ms of {}", at(1.0), sorted.len());
}

/// A line of 9,600 bit/s: what is read is what such a line has carried by then.
fn slow_line(config: &str) {
    let mut console = start(config);
    console.read_for(SETTLING);
    let mut waits = Vec::new();
    for view in ["[6 Memory]", "[3 Causes]", "[7 Units]", "[1 Overview]"] {
        let (began, before) = (Instant::now(), console.bytes.len());
        console.send(&view.as_bytes()[1..2]);
        let mut carried = 0;
        while !console.screen.screen().contents().contains(view) {
            thread::sleep(Duration::from_millis(20));
            let due = (began.elapsed().as_secs_f64() * SLOW as f64) as usize;
            console.read_at_most(due.saturating_sub(carried));
            carried = console.bytes.len() - before;
        }
        waits.push(millis(began.elapsed()));
        // A person looks; the line catches up.
        console.read_for(Duration::from_millis(1_500));
    }
    percentiles("key to view at 9,600 bit/s", &waits, 2_000.0);
    console.send(b"q");
    console.until_exit();
}

/// Every way out.
fn ways_out(config: &str) {
    let signals = [
        ("SIGTERM", Signal::TERM),
        ("SIGINT", Signal::INT),
        ("SIGHUP", Signal::HUP),
        ("SIGQUIT", Signal::QUIT),
        ("SIGABRT", Signal::ABORT),
        ("SIGSEGV", Signal::SEGV),
        ("SIGUSR1", Signal::USR1),
    ];
    for (name, signal) in signals {
        let worst = (0..10).map(|_| {
            let mut console = start(config);
            console.read_for(Duration::from_millis(100));
            let began = Instant::now();
            console.signal(signal);
            console.until_given_back();
            let wait = millis(began.elapsed());
            console.until_end();
            console.assert_restored();
            wait
        });
        row(&format!("{name}: terminal given back"), most(worst), "ms", 100.0);
    }
    for (name, signal) in [("SIGTERM", Signal::TERM), ("SIGABRT", Signal::ABORT)] {
        let worst = (0..5).map(|_| {
            let mut console = start(config);
            console.read_for(Duration::from_millis(100));
            console.fill();
            let began = Instant::now();
            console.signal(signal);
            console.until_end_unread();
            let wait = millis(began.elapsed());
            console.assert_restored();
            wait
        });
        row(&format!("{name}, stalled: gone"), most(worst), "ms", 500.0);
    }
    #[cfg(debug_assertions)]
    {
        let mut console = Pty::start(GATEMEDIC, &["--panic-after-frame", "2"]);
        console.until_frame();
        let began = Instant::now();
        console.until_given_back();
        row("panic in the third frame: given back", millis(began.elapsed()), "ms", 2_100.0);
        console.until_end();
    }
}

fn most(figures: impl Iterator<Item = f64>) -> f64 {
    figures.fold(0.0, f64::max)
}

/// The terminal hangs up.
fn hang_up(config: &str) {
    let figures: Vec<(f64, f64)> = (0..5)
        .map(|_| {
            let mut console = start(config);
            console.read_for(Duration::from_millis(300));
            let pid = console.pid().as_raw_nonzero().get();
            let before = process::cpu_ticks(pid);
            let began = Instant::now();
            console.hang_up();
            console.until_over_unread();
            let gone = millis(began.elapsed());
            // It is not waited for yet, so that its figures are still there: ticks of 10 ms.
            (gone, (process::cpu_ticks(pid) - before) * 10.0)
        })
        .collect();
    row("hang-up: gone", most(figures.iter().map(|f| f.0)), "ms", 1_000.0);
    row("hang-up: processor after it", most(figures.iter().map(|f| f.1)), "ms", 50.0);
}

/// The same of btop, which draws every two seconds by default.
fn beside_btop(keys: usize) {
    let Some(btop) =
        ["/usr/bin/btop", "/usr/local/bin/btop"].into_iter().find(|p| Path::new(p).exists())
    else {
        println!("btop is not installed: no peer to stand beside");
        return;
    };
    println!("btop, as it is without a configuration");
    let home = tempfile::tempdir().unwrap();
    let variables =
        [("HOME", home.path().to_str().unwrap()), ("LC_ALL", "C.UTF-8"), ("LANG", "C.UTF-8")];
    let mut btop = Pty::start_sized(btop, &[], (120, 40), &variables);
    btop.until_frame();
    btop.read_for(SETTLING);
    rest("btop at rest", &mut btop, QUIET);
    // Its help: F1 opens, Escape closes; only opening is measured.
    let opened = (0..keys / 8).map(|_| {
        btop.read_for(THINKING);
        let began = Instant::now();
        btop.send(b"h");
        btop.until("help", |pty| pty.screen.screen().contents().contains("Description:"));
        let wait = millis(began.elapsed());
        btop.send(b"h");
        btop.until("no help", |pty| !pty.screen.screen().contents().contains("Description:"));
        wait
    });
    percentiles("btop key to frame, calm", &opened.collect::<Vec<_>>(), 16.0);
    btop.send(b"q");
    btop.until_end();
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
