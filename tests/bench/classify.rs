//! How fast lines are classified: `cargo bench --bench classify`. Prints MiB/s and the ratio to
//! the promised 50 MiB/s; and the same of the redaction, with what hostile lines take.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a bench reads the clock and prints"
)]

use std::{hint::black_box, time::Instant};

use gatemedic::{
    evidence::Signatures,
    observation::{Program, redact},
};

const PROMISED: f64 = 50.0;
const ROUNDS: usize = 5;
const LINES: usize = 100_000;

fn main() {
    let refused = r#"2026/11/20 18:17:42 [error] 26779#26779: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: taxo.test, request: "GET /dead HTTP/1.1", upstream: "http://127.0.0.1:9001/dead", host: "127.0.0.1:8080""#;
    let missing = r#"2026/11/20 18:18:28 [crit] 26779#26779: *49 connect() to unix:/srv/lab/run/nope.sock failed (2: No such file or directory) while connecting to upstream, client: 127.0.0.1, server: taxo.test, request: "GET /u_missing HTTP/1.1", upstream: "http://unix:/srv/lab/run/nope.sock:/u_missing", host: "127.0.0.1:8080""#;
    let notice = "2026/11/20 18:17:42 [notice] 26779#26779: signal 17 (SIGCHLD) received from 26780 and some more words";
    let buffered = r#"2026/11/20 18:17:42 [warn] 26779#26779: *3 an upstream response is buffered to a temporary file /var/lib/nginx/proxy/1/00/0000000001 while reading upstream, client: 127.0.0.1, server: taxo.test, request: "GET /big HTTP/1.1", upstream: "http://127.0.0.1:9001/big", host: "h""#;
    let app = r#"{"level":30,"time":1795200868582,"pid":4242,"hostname":"web1","reqId":"req-1","req":{"method":"GET","url":"/api/orders/42","hostname":"shop.example"},"msg":"incoming request"}"#;
    let access = r#"10.0.0.1 - - [20/Nov/2026:18:17:42 +0000] "GET /api/orders/42 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)""#;
    let unit = "php8.2-fpm.service: Main process exited, code=killed, status=9/KILL";
    let started = "Started php8.2-fpm.service - The PHP 8.2 FastCGI Process Manager.";
    let cases: [(&str, Program, &[&str]); 6] = [
        ("nginx, typical in an incident", Program::Nginx, &[refused, missing]),
        ("nginx, no signature", Program::Nginx, &[notice, buffered]),
        ("application, no signature", Program::Application, &[app, access]),
        ("systemd, typical", Program::Systemd, &[unit, started]),
        ("kernel, no signature", Program::Kernel, &["eth0: renamed from veth1234 by the driver"]),
        (
            "php-fpm, no signature",
            Program::PhpFpm,
            &["[20-Nov-2026 18:31:11] NOTICE: ready to handle connections"],
        ),
    ];
    for (name, program, lines) in cases {
        report(name, program, lines);
    }
    println!();
    for (name, line) in
        [("nginx, upstream failed", refused), ("application", app), ("access log", access)]
    {
        redaction(name, line);
    }
    hostile();
}

/// How fast ordinary lines pass the redaction.
fn redaction(name: &str, line: &str) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..LINES {
            black_box(redact(black_box(line)));
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with three digits")]
    let rate = (line.len() * LINES) as f64 / best / f64::from(1 << 20);
    println!("redaction: {name:23} {rate:8.1} MiB/s  {:6.2} of the promise", rate / PROMISED);
}

/// How long lines of 64 KiB take that are made of what the redaction looks into; promised is 1 ms.
fn hostile() {
    const PIECES: [&str; 24] = [
        "pass=",
        "'pass=a",
        "\"token: none ",
        "eyJ",
        "eyJ-",
        "://",
        "a://u:p@h?",
        "'a://",
        "%3a%2f%2f",
        "@tcp(",
        "a:b@",
        "4111 ",
        "41111111111111",
        "bearer+",
        "PWD=/",
        "mysql -p",
        "-----BEGIN RSA PRIVATE KEY-----",
        "\\'pass=a",
        "token=[",
        "Cookie: ",
        "set token ",
        "password '",
        "pass=,a,",
        "%22pass=a ",
    ];
    let mut all: Vec<(f64, String)> = Vec::new();
    for piece in PIECES {
        for end in ["", " ", "x", "\"", "'"] {
            let piece = format!("{piece}{end}");
            let line = piece.repeat((1 << 16) / piece.len());
            for _ in 0..20 {
                let start = Instant::now();
                black_box(redact(black_box(&line)));
                all.push((start.elapsed().as_secs_f64() * 1e3, piece.clone()));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (name, at) in [("median", all.len() / 2), ("p99", all.len() * 99 / 100)] {
        let (took, piece) = &all[at];
        println!("redaction of a hostile line: {name:6} {took:6.3} ms, of 1 ms ({piece:?})");
    }
}

fn report(name: &str, program: Program, lines: &[&str]) {
    let signatures = Signatures::embedded();
    let bytes: usize = lines.iter().cycle().take(LINES).map(|line| line.len()).sum();
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for line in lines.iter().cycle().take(LINES) {
            black_box(signatures.classify(program, black_box(line)));
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with three digits")]
    let rate = bytes as f64 / best / f64::from(1 << 20);
    println!("{name:34} {rate:8.1} MiB/s  {:6.2} of the promise", rate / PROMISED);
}
