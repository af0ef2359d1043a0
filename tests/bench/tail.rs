//! How fast logs are followed and read on one core: `cargo bench --bench tail`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::allow_attributes,
    reason = "a benchmark may fail loudly, makes its own files and prints its figures"
)]

use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::Instant,
};

use gatemedic::{
    host::clock,
    observation::{AccessFormat, GatewayId, LogKind, LogTarget, Place, Seen, Text},
    source::log::{Backlog, Pool, Progress},
};
use jiff::tz::TimeZone;

/// Least that following and reading should reach, in MiB per second.
const GOAL: f64 = 50.0;
const LOGS: usize = 20;
const LINES: usize = 20_000;
const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

fn line(n: usize) -> String {
    let status = if n.is_multiple_of(100) { 502 } else { 200 };
    format!(
        "203.0.113.{} - - [20/Nov/2026:18:{:02}:{:02} +0000] \"GET /shop/item/{n}?ref=list HTTP/1.1\" \
         {status} 1534 \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
        n % 250,
        (n / 60_000) % 60,
        (n / 1000) % 60,
    )
}

fn target(path: &Path) -> LogTarget {
    LogTarget {
        gateway: Some(GatewayId("nginx:/etc/nginx/nginx.conf".into())),
        path: Text::new(path.to_string_lossy()),
        root: Text::default(),
        kind: LogKind::Access(AccessFormat {
            name: "combined".into(),
            pattern: COMBINED.into(),
            ..Default::default()
        }),
        place: Place::default(),
    }
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..LINES).map(line).collect();
    let paths: Vec<PathBuf> =
        (0..LOGS).map(|n| dir.path().join(format!("log{n:02}.log"))).collect();
    for path in &paths {
        fs::write(path, &text).unwrap();
    }
    let mib = (text.len() * LOGS) as f64 / f64::from(1 << 20);

    let begin = Instant::now();
    let plain: usize = paths
        .iter()
        .map(|path| {
            BufReader::new(File::open(path).unwrap())
                .lines()
                .map(|line| black_box(line.unwrap().len()))
                .sum::<usize>()
        })
        .sum();
    let plain_rate = mib / begin.elapsed().as_secs_f64();
    black_box(plain);

    let targets: Vec<LogTarget> = paths.iter().map(|path| target(path)).collect();
    let mut pool = Pool::new(TimeZone::UTC, Backlog { bytes: 0, secs: i64::MAX });
    let mut out = Vec::new();
    pool.follow(&targets, &mut out);
    for key in pool.all() {
        pool.poll(&key, clock::now(), &mut out);
    }
    for path in &paths {
        use std::io::Write;
        File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }
    let begin = Instant::now();
    let (mut failed, mut counted) = (0, 0);
    for key in pool.all() {
        while pool.poll(&key, clock::now(), &mut out) == Progress::More {}
        pool.flush(&mut out);
        for seen in out.drain(..) {
            match seen {
                Seen::Access(_) => failed += 1,
                Seen::Traffic(second) => {
                    counted += second.by_status.values().map(|n| *n as usize).sum::<usize>();
                }
                _ => {}
            }
        }
    }
    let rate = mib / begin.elapsed().as_secs_f64();
    assert_eq!((failed, counted), (LINES / 100 * LOGS, LINES * LOGS));
    println!("{LOGS} logs, {mib:.0} MiB, {} lines", LINES * LOGS);
    println!("plain lines      {plain_rate:8.1} MiB/s");
    println!(
        "follow and read  {rate:8.1} MiB/s  {:.2} of plain, {:.1} times the goal of {GOAL} MiB/s",
        rate / plain_rate,
        rate / GOAL
    );
}
