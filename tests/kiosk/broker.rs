//! What a stranger says to the broker, and what happens when one of the two processes goes.

use std::{
    fs,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use proptest::{prelude::*, strategy::ValueTree};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use crate::ground::{GATEMEDIC, broker_of, end, is_drawn, kiosk, shows};

/// A wait that only a hang reaches.
const HANG: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// Asks again and again; only a hang reaches its end.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never came: {what}");
}

pub(crate) struct Broker {
    child: Child,
    line: UnixStream,
}

impl Broker {
    pub(crate) fn start(more: &[&str]) -> Self {
        let (line, theirs) = UnixStream::pair().unwrap();
        line.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let child = Command::new(GATEMEDIC)
            .args(["--docker-socket", "/nonexistent/docker.sock", "kiosk-broker"])
            .args(more)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, line }
    }

    pub(crate) fn greet(&mut self) {
        self.line.write_all(b"H").unwrap();
    }

    pub(crate) fn record(&mut self) -> serde_json::Value {
        let mut length = [0; 4];
        self.line.read_exact(&mut length).unwrap();
        let length = u32::from_be_bytes(length) as usize;
        assert!(length <= gatemedic::host::broker::RECORD);
        let mut record = vec![0; length];
        self.line.read_exact(&mut record).unwrap();
        serde_json::from_slice(&record).unwrap()
    }

    fn ended(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        let handle = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        // What it still says is taken, so that it is not the one who waits.
        let mut rest = self.line.try_clone().unwrap();
        let reader = std::thread::spawn(move || std::io::copy(&mut rest, &mut std::io::sink()));
        let ready = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&HANG)).unwrap();
        assert!(ready > 0, "the broker goes on");
        drop(reader.join());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_broker_says_nothing_before_it_is_greeted_and_then_what_it_sees() {
    let mut broker = Broker::start(&[]);
    broker.greet();
    let mut seen = false;
    let mut settled = false;
    while !(seen && settled) {
        let record = broker.record();
        seen |= record.get("seen").is_some();
        settled |= record.get("settled").is_some();
    }
    let bus = fs::read_link(format!("/proc/{}/fd/0", broker.child.id())).unwrap();
    assert_eq!(bus.to_str(), Some("/dev/null"), "its programs inherit no line to the screen");
    broker.line.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(broker.ended(), Some(0));
}

#[test]
fn whatever_is_no_greeting_ends_the_broker() {
    let asks: [&[u8]; 9] = [
        b"A",
        b"HH",
        b"HX",
        b"h",
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"{\"seen\":{}}",
        b"\xff\xff\xff\xff",
        b"",
    ];
    for ask in asks {
        let mut broker = Broker::start(&[]);
        let _ = broker.line.write_all(ask);
        if ask.is_empty() {
            broker.line.shutdown(std::net::Shutdown::Write).unwrap();
        }
        assert_eq!(broker.ended(), Some(0), "{ask:?}");
    }
}

#[test]
#[ignore = "minutes of random bytes (GATEMEDIC_FUZZ_SECS, 60 by default)"]
fn a_broker_survives_no_byte_that_is_no_greeting() {
    let secs = std::env::var("GATEMEDIC_FUZZ_SECS").ok().and_then(|s| s.parse().ok());
    let end = std::time::Instant::now() + Duration::from_secs(secs.unwrap_or(60));
    let mut runner = proptest::test_runner::TestRunner::default();
    let bytes = proptest::collection::vec(any::<u8>(), 1..2_000);
    let mut brokers = 0_u32;
    while std::time::Instant::now() < end {
        let greeting = if brokers.is_multiple_of(2) { &b"H"[..] } else { b"" };
        let random = bytes.new_tree(&mut runner).unwrap().current();
        let mut broker = Broker::start(&[]);
        let _ = broker.line.write_all(greeting);
        let _ = broker.line.write_all(&random);
        broker.line.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(broker.ended(), Some(0), "{random:?}");
        brokers += 1;
    }
    eprintln!("{brokers} brokers");
}

#[test]
fn a_screen_whose_broker_is_gone_says_so_and_ends_for_both_to_be_started_again() {
    let mut pty = kiosk(&[]);
    end(broker_of(pty.pid()).unwrap(), Signal::KILL);
    pty.until("that it is gone", |pty| shows(pty, "the broker is gone"));
    assert!(!shows(&pty, "HEALTHY"));
    assert_eq!(pty.until_exit(), 69);
    pty.assert_restored();
    pty.assert_screen_restored();
}

#[test]
fn a_broker_ends_with_its_screen_however_that_ends() {
    for signal in [Signal::KILL, Signal::TERM] {
        let mut pty = kiosk(&[]);
        let broker = broker_of(pty.pid()).unwrap();
        let handle = pidfd_open(broker, PidfdFlags::empty()).unwrap();
        pty.signal(signal);
        let ready = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&HANG)).unwrap();
        assert!(ready > 0, "the broker goes on without a screen");
        drop(pty.child.wait());
    }
}

#[test]
fn a_screen_that_hangs_does_not_hold_up_the_broker_and_goes_on_where_it_is() {
    let mut pty = kiosk(&[]);
    pty.until("a frame", is_drawn);
    let broker = broker_of(pty.pid()).unwrap();
    pty.signal(Signal::STOP);
    let stopped = || fs::read_to_string(format!("/proc/{}/stat", broker.as_raw_nonzero())).unwrap();
    assert!(!stopped().contains(") T "));
    pty.signal(Signal::CONT);
    pty.resize(110, 33);
    pty.until("a frame of the new size", is_drawn);
}
