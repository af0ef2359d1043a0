//! Poor terminals: no colour, no Unicode, old names. And a remote client that writes to ours.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{GATEMEDIC, Pty, QUIET, oracle};
use rustix::process::{Pid, Signal, kill_process};

fn walked(variables: &[(&str, &str)]) -> Pty {
    let mut pty = Pty::start_sized(GATEMEDIC, &QUIET, (100, 30), variables);
    pty.until_frame();
    for (keys, word) in [("6", "[6 Memory]"), ("7", "[7 Units]"), ("?", "Keys that work here")] {
        pty.send(keys.as_bytes());
        pty.until(word, |pty| pty.screen.screen().contents().contains(word));
    }
    pty.send(b"\x03\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    oracle::assert_ours(&pty.bytes, oracle::Stream::Session);
    pty
}

#[test]
fn without_colour_not_one_colour_is_sent() {
    let pty = walked(&[("NO_COLOR", "1")]);
    let text = String::from_utf8_lossy(&pty.bytes).into_owned();
    let colours = regex::Regex::new("\x1b\\[(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[0-9;]*)?m").unwrap();
    assert!(!colours.is_match(&text));
    assert!(text.contains("\x1b[1m"), "what is bold stays bold");
}

#[test]
fn where_the_locale_is_c_every_byte_is_ascii() {
    for term in ["linux", "screen", "vt100"] {
        let pty = walked(&[("TERM", term), ("LC_ALL", "C")]);
        assert!(pty.bytes.is_ascii(), "{term}");
    }
}

/// An nginx of our own in the foreground; gone when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        drop(self.0.wait());
    }
}

/// nginx writes the Referer of a failed request into its error log as it came.
#[test]
fn a_referer_with_escapes_is_shown_and_never_done() {
    const NGINX: &str = "/usr/sbin/nginx";
    if !Path::new(NGINX).exists() {
        eprintln!("skipped: there is no {NGINX}");
        return;
    }
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (front, back) = (free(), free());
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let config = folder.path().join("nginx.conf");
    let temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/{name};"));
    let text = format!(
        "pid {place}/nginx.pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{ access_log \
         off; {} server {{ listen 127.0.0.1:{front}; location / {{ proxy_pass \
         http://127.0.0.1:{back}; }} }} }}\n",
        temps.join(" ")
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let started = Command::new(NGINX)
        .args(["-c", config, "-g", "daemon off;"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _nginx = Nginx(started.unwrap());
    // It is waited for as long as it takes.
    let mut stream = loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", front)) {
            break stream;
        }
        std::thread::yield_now();
    };
    stream
        .write_all(
            b"GET /x HTTP/1.0\r\nHost: h\r\nReferer: REF\x1b]0;pwned\x07\x1b[2J\x1b]52;c;ZXZpbA==\x07\
              \xc2\x9b31m\x9b31m\xe2\x80\xaetxt\r\n\r\n",
        )
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 502"), "{}", String::from_utf8_lossy(&answer));
    let log = std::fs::read(folder.path().join("error.log")).unwrap();
    assert!(log.contains(&0x1b), "this nginx escapes its error log");
    let arguments = [&["--config", config][..], &QUIET].concat();
    let mut pty = Pty::start_sized(GATEMEDIC, &arguments, (200, 50), &[]);
    pty.until("the failed connection", |pty| {
        pty.screen.screen().contents().contains("connect() failed")
    });
    for keys in ["3", "4", "\r", "\x1b[A", "1", "\r"] {
        pty.send(keys.as_bytes());
        pty.read_what_is_there();
    }
    pty.send(b"\x03\x03");
    assert_eq!(pty.until_exit(), 0);
    oracle::assert_ours(&pty.bytes, oracle::Stream::Session);
}
