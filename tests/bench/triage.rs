//! `gatemedic triage` beside ripgrep and lnav on the same log, in the same run:
//! `cargo bench --bench triage`. `TRIAGE_MIB` is the size of the log, 1024 without it;
//! `TRIAGE_DIR` the folder in which it is made, the build's own without it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_precision_loss,
    clippy::allow_attributes,
    reason = "a benchmark may fail loudly, makes its own files, runs programs and prints its figures"
)]

use std::{
    env, fs,
    fs::File,
    hint::black_box,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use gatemedic::{
    evidence::triage::{ErrorTally, Holds, LogScan, Tally, Terms, answer},
    observation::Wall,
};
use jiff::tz::TimeZone;

/// Most times that ripgrep's time may be taken.
const RATIO: f64 = 3.0;
/// Most memory, in MiB.
const MEMORY: u64 = 64;
/// Least that error lines should be folded at, in MB per second on one core.
const FOLDING: f64 = 400.0;
const ROUNDS: usize = 5;
const DAY: u64 = 24 * 3600;

/// A small generator: the log is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "curl/8.14.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
];

/// A day of requests, one in five hundred fails, and in the last half hour one in four.
fn access(path: &Path, bytes: u64) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut dice = Dice(7);
    let mut written = 0;
    while written < bytes {
        let second = written * DAY / bytes;
        let bad = second > DAY - 1800;
        let fails = dice.roll(if bad { 4 } else { 500 }) == 0;
        let status = if fails { 502 } else { [200, 200, 200, 304, 404][dice.roll(5) as usize] };
        let line = format!(
            "203.0.113.{} - - [20/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /shop/item/{}?ref={} HTTP/1.1\" {status} {} \"https://shop.example/list/{}\" \"{}\" rt=0.{:03} ua=\"10.0.0.{}:8080\" us=\"{status}\"\n",
            dice.roll(250),
            second / 3600,
            second / 60 % 60,
            second % 60,
            dice.roll(100_000),
            dice.roll(9),
            dice.roll(60_000),
            dice.roll(900),
            AGENTS[dice.roll(4) as usize],
            dice.roll(999),
            1 + dice.roll(3),
        );
        out.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
    }
    out.flush().unwrap();
}

/// Error lines as nginx writes them, of a few kinds.
fn errors(bytes: usize) -> Vec<u8> {
    let mut dice = Dice(11);
    let mut out = Vec::with_capacity(bytes + 1024);
    while out.len() < bytes {
        let second = out.len() as u64 * 3600 / bytes as u64;
        let (n, client) = (dice.roll(1_000_000), dice.roll(250));
        let message = match dice.roll(10) {
            0..6 => "connect() failed (111: Connection refused) while connecting to upstream".to_owned(),
            6..8 => "upstream timed out (110: Connection timed out) while reading response header from upstream".to_owned(),
            8 => format!("open() \"/srv/www/img/{n}.png\" failed (2: No such file or directory)"),
            _ => "upstream prematurely closed connection while reading response header from upstream".to_owned(),
        };
        writeln!(
            out,
            "2026/11/20 14:{:02}:{:02} [error] {}#{}: *{n} {message}, client: 203.0.113.{client}, server: shop.example, request: \"GET /shop/item/{n} HTTP/1.1\", upstream: \"http://10.0.0.{}:8080/shop/item/{n}\", host: \"shop.example\"",
            second / 60, second % 60, 100 + dice.roll(4), 100 + dice.roll(4), 1 + dice.roll(3),
        )
        .unwrap();
    }
    out
}

/// Time and highest memory of a program, in MiB.
fn run(program: &Path, arguments: &[&str]) -> Option<(Duration, u64, String)> {
    let begin = Instant::now();
    let out = tempfile::tempfile().unwrap();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
        let kib = peak.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        most = most.max(kib);
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begin.elapsed();
    let mut said = String::new();
    let mut out = out;
    std::io::Seek::rewind(&mut out).unwrap();
    std::io::Read::read_to_string(&mut out, &mut said).unwrap_or_default();
    Some((took, most / 1024, said))
}

fn best(runs: &[Duration]) -> f64 {
    runs.iter().min().map_or(f64::NAN, Duration::as_secs_f64)
}

fn compare(path: &Path, bytes: u64) {
    let log = path.to_string_lossy().into_owned();
    let own = Path::new(env!("CARGO_BIN_EXE_gatemedic"));
    let (mut ours, mut theirs, mut memory, mut said) = (Vec::new(), Vec::new(), 0, String::new());
    for _ in 0..ROUNDS {
        if let Some((took, _, _)) = run(Path::new("rg"), &["-c", " 502 ", &log]) {
            theirs.push(took);
        }
        let (took, most, text) = run(own, &["triage", "--alone", &log]).unwrap();
        ours.push(took);
        memory = memory.max(most);
        said = text;
    }
    println!("{}", said.lines().take(2).collect::<Vec<_>>().join("\n"));
    let (own, rg) = (best(&ours), best(&theirs));
    let rate = bytes as f64 / 1e9 / own;
    println!("gatemedic triage  {own:.3} s, {rate:.2} GB/s, at most {memory} MiB (bound {MEMORY})");
    if theirs.is_empty() {
        println!("rg is not installed: nothing to compare with");
    } else {
        let ratio = own / rg;
        let verdict = if ratio <= RATIO && memory <= MEMORY { "within" } else { "NOT within" };
        println!("rg -c ' 502 '     {rg:.3} s; ratio {ratio:.2}, {verdict} {RATIO}");
    }
    match run(Path::new("lnav"), &["-n", "-c", ":filter-in  502 ", &log]) {
        Some((took, most, _)) => {
            println!("lnav -n           {:.3} s, at most {most} MiB", took.as_secs_f64());
        }
        None => println!("lnav is not installed"),
    }
}

fn terms() -> Terms {
    Terms {
        zone: TimeZone::UTC,
        now: Wall::from_secs(1_795_300_000),
        since: None,
        until: None,
        own_agent: b"gatemedic/",
    }
}

/// Megabytes a second on one core, in memory.
fn scan(text: &[u8], times: usize) -> f64 {
    let holds = Holds::recognise(text.get(..65_536).unwrap_or(text), &TimeZone::UTC).unwrap();
    let (mut tally, mut errors) = (Tally::default(), ErrorTally::default());
    let mut scan = LogScan::new(&holds, terms());
    let begin = Instant::now();
    for _ in 0..times {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.len().min(256 * 1024);
            let end = memchr::memrchr(b'\n', &rest[..end]).map_or(rest.len(), |at| at + 1);
            let (block, after) = rest.split_at(end);
            scan.block(block, &mut tally, &mut errors);
            rest = after;
        }
    }
    let took = begin.elapsed();
    black_box(answer(tally, &errors, &[], None));
    (text.len() * times) as f64 / 1e6 / took.as_secs_f64()
}

fn main() {
    let mib: u64 = env::var("TRIAGE_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(1024);
    let place = env::var("TRIAGE_DIR").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
    let folder = tempfile::tempdir_in(place).unwrap();
    let text = errors(128 << 20);
    let rate = scan(&text, 4);
    let verdict = if rate >= FOLDING { "within" } else { "NOT within" };
    println!("error lines folded at {rate:.0} MB/s on one core, {verdict} {FOLDING:.0}");
    drop(text);
    for share in [4, 1] {
        let bytes = (mib << 20) / share;
        let path = folder.path().join("access.log");
        access(&path, bytes);
        println!("\naccess log of {} MiB", bytes >> 20);
        compare(&path, bytes);
    }
}
