//! Logs that pour in.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Between two portions.
const PORTION: Duration = Duration::from_millis(10);

/// A gateway's configuration with ten upstreams that nobody serves.
pub fn write_config(folder: &Path) -> String {
    let place = folder.display();
    let mut text = format!(
        "pid {place}/nginx.pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{\n\
         access_log {place}/access.log;\nserver {{ listen 127.0.0.1:18098;\n"
    );
    for number in 0..10 {
        let port = 18_080 + number;
        writeln!(text, "location /{number}/ {{ proxy_pass http://127.0.0.1:{port}; }}").unwrap();
    }
    text.push_str("}}\n");
    let path = folder.join("nginx.conf");
    fs::write(&path, text).unwrap();
    fs::write(folder.join("access.log"), "").unwrap();
    fs::write(folder.join("error.log"), "").unwrap();
    path.to_str().unwrap().to_owned()
}

/// A thread that writes so many lines a second into both logs: nine of ten into the access log,
/// and each tenth request fails and leaves an error.
pub struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Flood {
    pub fn start(folder: &Path, lines: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, folder) = (Arc::clone(&stop), folder.to_owned());
        let thread = thread::spawn(move || pour(&folder, lines, &asked));
        Self { stop, thread }
    }

    /// Ends it; how many lines a second it was.
    pub fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn pour(folder: &Path, lines: usize, stop: &AtomicBool) -> f64 {
    let open = |name: &str| {
        let path: PathBuf = folder.join(name);
        OpenOptions::new().append(true).open(path).unwrap()
    };
    let (mut access, mut error) = (open("access.log"), open("error.log"));
    let began = Instant::now();
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(PORTION);
        let due = (began.elapsed().as_secs_f64() * lines as f64) as usize;
        let now = jiff::Zoned::now();
        let (mut told, mut failed) = (String::new(), String::new());
        while written < due {
            if written % 10 == 9 {
                let at = now.strftime("%Y/%m/%d %H:%M:%S");
                let up = written / 10 % 10;
                writeln!(
                    failed,
                    "{at} [error] 701#701: *{written} connect() failed (111: Connection refused) \
                     while connecting to upstream, client: 192.0.2.{}, server: , request: \"GET \
                     /{up}/ HTTP/1.1\", upstream: \"http://127.0.0.1:{}/\", host: \"h\"",
                    written % 250,
                    18_080 + up
                )
                .unwrap();
            } else {
                let at = now.strftime("%d/%b/%Y:%H:%M:%S %z");
                let status = if written % 10 == 8 { 502 } else { 200 };
                writeln!(
                    told,
                    "192.0.2.{} - - [{at}] \"GET /{}/item/{written} HTTP/1.1\" {status} 1532 \
                     \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
                    written % 250,
                    written % 10
                )
                .unwrap();
            }
            written += 1;
        }
        access.write_all(told.as_bytes()).unwrap();
        error.write_all(failed.as_bytes()).unwrap();
    }
    written as f64 / began.elapsed().as_secs_f64()
}
