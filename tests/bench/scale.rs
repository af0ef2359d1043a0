//! What a large host costs: 2,000 virtual hosts that lead to 10,000 upstreams, with and without
//! somebody behind them. The first diagnosis, the console at rest, and scrolling.
//!
//! `cargo bench --bench scale`; `-- --hosts 500` takes another number of virtual hosts.
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

#[path = "console/nginx.rs"]
mod nginx;
#[path = "console/process.rs"]
mod process;
#[path = "../terminal/pty.rs"]
mod pty;

use std::{
    fmt::Write as _,
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nginx::Nginx;
use pty::Pty;

const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");
/// Upstreams of each virtual host.
const EACH: usize = 5;
/// Until what is found has been followed everywhere.
const SETTLING: Duration = Duration::from_secs(15);
const REST: Duration = Duration::from_secs(20);
/// Keys of each kind.
const KEYS: usize = 200;
/// Milliseconds after which a key counts as one that changed nothing on the screen.
const SILENT: f64 = 1_000.0;
/// Seconds until the first diagnosis, percent of a core, milliseconds from key to frame.
const LIMITS: [f64; 3] = [3.0, 3.0, 50.0];

fn main() {
    let told = std::env::args().skip_while(|a| a != "--hosts").nth(1);
    let hosts: usize = told.and_then(|n| n.parse().ok()).unwrap_or(2_000);
    println!("gatemedic {}", if cfg!(debug_assertions) { "(unoptimised)" } else { "(release)" });
    for listening in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        // Sockets that listen, with nobody who accepts: connects are taken by their queue.
        let sockets: Vec<TcpListener> =
            (0..hosts * EACH).map_while(|_| TcpListener::bind("127.0.0.1:0").ok()).collect();
        let ports: Vec<u16> = sockets.iter().map(|s| s.local_addr().unwrap().port()).collect();
        let count = ports.len();
        let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let sockets = if listening { sockets } else { Vec::new() };
        let config = write_config(folder.path(), front, &ports);
        let nginx = Nginx::start(folder.path(), &config);
        // It reads two thousand virtual hosts before it listens.
        thread::sleep(Duration::from_secs(1));
        let who = if sockets.is_empty() { "nobody listens" } else { "all listen" };
        println!("{hosts} virtual hosts, {count} upstreams, {who}");
        once(&config, front, hosts, !listening);
        console(&config);
        drop((nginx, sockets));
    }
}

fn row(name: &str, figure: f64, unit: &str, limit: f64) {
    let mark = if figure <= limit { "" } else { "   OVER" };
    println!("  {name:<44} {figure:9.2} {unit:<12} limit {limit}{mark}");
}

/// One diagnosis, while some requests fail if they can.
fn once(config: &str, front: u16, hosts: usize, ask: bool) {
    if ask {
        for n in 0..20 {
            let host = format!("Host: v{}.lan", n * 7 % hosts);
            let url = format!("http://127.0.0.1:{front}/{}/", n % EACH);
            let asked = Command::new("curl")
                .args(["-s", "-m", "2", "-o", "/dev/null", "-H", &host, &url])
                .status();
            if asked.is_err() {
                println!("  (no curl: no request fails)");
                break;
            }
        }
    }
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let output = Command::new(GATEMEDIC)
            .args(["diagnose", "-o", "json", "--config", config])
            .args(["--docker-socket", "/nonexistent/docker.sock"])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        times.push(begun.elapsed().as_secs_f64());
        assert!(!output.stdout.is_empty());
    }
    times.sort_by(f64::total_cmp);
    row("one diagnosis, the middle one of three", times[1], "s", LIMITS[0]);
}

fn console(config: &str) {
    let arguments = ["--config", config, "--docker-socket", "/nonexistent/docker.sock"];
    let begun = Instant::now();
    let mut console = Pty::start_sized(GATEMEDIC, &arguments, (120, 40), &[]);
    console.until_frame();
    println!("  first frame after {} ms", begun.elapsed().as_millis());
    console.read_for(SETTLING);
    let pid = console.pid().as_raw_nonzero().get();
    let ticks = process::cpu_ticks(pid);
    let begun = Instant::now();
    console.read_for(REST);
    let cpu = (process::cpu_ticks(pid) - ticks) / begun.elapsed().as_secs_f64();
    row("the console at rest", cpu, "% of a core", LIMITS[1]);
    println!("  it keeps {:.1} MiB in memory", process::resident_mib(pid));
    for (view, name) in [(b"2", "the chain"), (b"1", "the overview")] {
        console.send(view);
        console.read_for(Duration::from_millis(500));
        if *view == *b"1" {
            // The upstreams are the second pane of it.
            console.send(b"\t");
            console.read_for(Duration::from_millis(200));
        }
        for (keys, how) in [
            (&[&b"j"[..]][..], "line by line"),
            (&[b"\x1b[6~", b"\x1b[6~", b"\x1b[6~", b"\x1b[5~"], "page by page"),
            (&[b"G", b"g"], "from end to end"),
        ] {
            let times = scroll(&mut console, keys);
            let name = format!("{name}, {how}, key to frame: p99");
            row(&name, times[times.len() * 99 / 100], "ms", LIMITS[2]);
            let silent = times.iter().filter(|spent| **spent >= SILENT).count();
            println!(
                "  {:<44} {:9.2} ms; longest {:.2} ms{}",
                "  half of the keys within",
                times[times.len() / 2],
                times[times.len() - 1],
                if silent == 0 { String::new() } else { format!(", {silent} without any frame") }
            );
        }
    }
    console.send(b"q");
    console.until_exit();
}

/// Presses keys in turn; how long until something of a frame came after each, in order.
fn scroll(console: &mut Pty, keys: &[&[u8]]) -> Vec<f64> {
    let mut times: Vec<f64> = keys
        .iter()
        .cycle()
        .take(KEYS)
        .map(|key| {
            console.read_what_is_there();
            let before = console.bytes.len();
            let begun = Instant::now();
            console.send(key);
            while console.bytes.len() == before && begun.elapsed() < Duration::from_secs(1) {
                console.read_for(Duration::from_micros(200));
            }
            let spent = begun.elapsed().as_secs_f64() * 1e3;
            // A person looks, or a key repeats thirty times a second.
            console.read_for(Duration::from_millis(33));
            spent
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn write_config(folder: &Path, front: u16, ports: &[u16]) -> String {
    let place = folder.display();
    let mut text = format!(
        "pid {place}/nginx.pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{\n\
         access_log {place}/access.log;\nserver_names_hash_max_size 65536;\n\
         server_names_hash_bucket_size 128;\n"
    );
    for (host, ports) in ports.chunks(EACH).enumerate() {
        writeln!(text, "server {{ listen 127.0.0.1:{front}; server_name v{host}.lan;").unwrap();
        for (number, port) in ports.iter().enumerate() {
            writeln!(text, "location /{number}/ {{ proxy_pass http://127.0.0.1:{port}; }}")
                .unwrap();
        }
        text.push_str("}\n");
    }
    text.push_str("}\n");
    let path = folder.join("nginx.conf");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
