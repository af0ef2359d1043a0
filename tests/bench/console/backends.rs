//! 100 upstreams that answer.

use std::{
    fmt::Write as _,
    fs,
    net::{TcpListener, TcpStream},
    os::fd::AsFd,
    path::Path,
    thread,
};

use rustix::event::{PollFd, PollFlags, poll};

pub const UPSTREAMS: usize = 100;

/// Listeners that accept and wait for a request, as a backend does. Each keeps its newest
/// connection only.
pub fn backends() -> Vec<u16> {
    let listeners: Vec<TcpListener> =
        (0..UPSTREAMS).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports = listeners.iter().map(|l| l.local_addr().unwrap().port()).collect();
    thread::spawn(move || {
        let mut newest: Vec<Option<TcpStream>> = listeners.iter().map(|_| None).collect();
        loop {
            let mut fds: Vec<PollFd<'_>> = listeners
                .iter()
                .map(|l| PollFd::from_borrowed_fd(l.as_fd(), PollFlags::IN))
                .collect();
            poll(&mut fds, None).unwrap();
            for ((fd, listener), kept) in fds.iter().zip(&listeners).zip(&mut newest) {
                if !fd.revents().is_empty() {
                    *kept = listener.accept().ok().map(|(stream, _)| stream);
                }
            }
        }
    });
    ports
}

pub fn write_config(folder: &Path, ports: &[u16]) -> String {
    let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = folder.display();
    let mut text = format!(
        "pid {place}/nginx.pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{\n\
         access_log {place}/access.log;\n"
    );
    let mut locations = String::new();
    for (number, port) in ports.iter().enumerate() {
        writeln!(text, "upstream app{number} {{ server 127.0.0.1:{port}; }}").unwrap();
        writeln!(locations, "location /{number}/ {{ proxy_pass http://app{number}; }}").unwrap();
    }
    writeln!(text, "server {{ listen 127.0.0.1:{front};\n{locations}}}\n}}").unwrap();
    let path = folder.join("nginx.conf");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
