//! How long the largest configuration takes: 50 MB, 10,000 upstreams and 10,000 servers must be
//! read within 2 s and 300 MB. `cargo bench --bench config` prints the time, its share of the
//! limit, how it grows with the size, and the peak of memory.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::allow_attributes,
    reason = "a benchmark measures and prints"
)]

use std::{fmt::Write as _, path::Path, time::Instant};

use gatemedic::{
    host::files::Root,
    source::config::{Setup, parse},
};

const LIMIT_SECS: f64 = 2.0;
const LIMIT_MB: f64 = 300.0;

/// A configuration of `count` groups and servers, filled up to `bytes`.
fn write(dir: &Path, count: usize, bytes: usize) {
    let mut text = String::with_capacity(bytes + 4_096);
    text.push_str("events {}\nhttp {\n    access_log /var/log/nginx/access.log;\n");
    let share = bytes / count;
    for n in 0..count {
        let start = text.len();
        let (a, b) = (n / 250, n % 250);
        let _ = write!(
            text,
            "    upstream app{n} {{\n        server 10.{a}.{b}.1:8080 max_fails=3;\n        \
             server unix:/run/app{n}.sock backup;\n        keepalive 16;\n    }}\n    server {{\n        \
             listen 443 ssl;\n        server_name app{n}.example.com www.app{n}.example.com;\n        \
             proxy_read_timeout 30s;\n        location / {{\n            \
             proxy_pass http://app{n};\n        }}\n        location ~ \\.php$ {{\n            \
             fastcgi_pass unix:/run/php/php8.2-fpm.sock;\n        }}\n"
        );
        let mut line = 0;
        while text.len() - start < share - 8 {
            let _ = writeln!(
                text,
                "        add_header X-Header-{line} \"value {line} of server {n}\" always; # {line}"
            );
            line += 1;
        }
        text.push_str("    }\n");
    }
    text.push_str("}\n");
    std::fs::write(dir.join("nginx.conf"), text).unwrap();
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

fn time(count: usize, bytes: usize) -> (f64, usize) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), count, bytes);
    let setup = Setup::plain(Root::new(dir.path()), "/nginx.conf");
    let begin = Instant::now();
    let config = parse(&setup).config;
    let spent = begin.elapsed().as_secs_f64();
    assert!(config.problems.is_empty(), "{:?}", config.problems.first());
    assert_eq!(config.sites.len(), count);
    assert_eq!(config.upstreams.len(), 2 * count + 1);
    (spent, config.upstreams.len())
}

fn main() {
    let (small, _) = time(1_000, 5_000_000);
    let (full, upstreams) = time(10_000, 50_000_000);
    let peak = peak_mb();
    println!("config  5 MB,  1,000 servers: {small:.3} s");
    println!("config 50 MB, 10,000 servers: {full:.3} s, {upstreams} upstreams");
    println!("share of the {LIMIT_SECS} s limit: {:.2}", full / LIMIT_SECS);
    println!("growth for ten times the size: {:.1}", full / small);
    println!("peak memory: {peak:.0} MB, share of the {LIMIT_MB} MB limit: {:.2}", peak / LIMIT_MB);
}
