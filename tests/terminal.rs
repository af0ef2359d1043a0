//! The console on a terminal of its own: it takes it, and gives it back on every way out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and starts what it tests"
)]

#[path = "terminal/corpus.rs"]
mod corpus;
#[path = "terminal/fields.rs"]
mod fields;
#[path = "terminal/first_frame.rs"]
mod first_frame;
#[path = "terminal/flow.rs"]
mod flow;
#[path = "terminal/habits.rs"]
mod habits;
#[path = "terminal/hung.rs"]
mod hung;
#[path = "terminal/looks.rs"]
mod looks;
#[path = "terminal/oracle.rs"]
mod oracle;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "contract/trace.rs"]
mod trace;
#[path = "terminal/typing.rs"]
mod typing;
#[path = "terminal/ways_out.rs"]
mod ways_out;

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use pty::Pty;
use rustix::process::Signal;

const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");
/// No engine is asked: the host's containers are no part of these tests.
const QUIET: [&str; 2] = ["--docker-socket", "/nonexistent/docker.sock"];

fn console() -> Pty {
    let mut pty = Pty::start(GATEMEDIC, &QUIET);
    pty.until_frame();
    pty
}

/// The console as a job of a shell, which goes on after it was stopped when told to.
fn job() -> Pty {
    let script = "set -m; \"$@\"; echo \"stopped $?\"; read -r; fg >/dev/null; echo \"done $?\"";
    let mut pty = Pty::start("bash", &["-c", script, "bash", GATEMEDIC, QUIET[0], QUIET[1]]);
    pty.until_frame();
    pty
}

#[test]
fn q_leaves_and_the_terminal_is_as_before() {
    let mut pty = console();
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    pty.assert_screen_restored();
}

#[test]
fn a_session_that_only_looks_changes_nothing_whatever_is_pressed() {
    if !std::path::Path::new("/usr/bin/strace").exists() {
        eprintln!("skipped: there is no /usr/bin/strace");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace");
    let name = file.display().to_string();
    let arguments = [
        &["-f", "-qq", "-s", "256", "-e", trace::CALLS, "-e", "signal=none", "-o", &name][..],
        &[GATEMEDIC, "--readonly"],
        &QUIET,
    ]
    .concat();
    let mut pty = Pty::start("/usr/bin/strace", &arguments);
    pty.until_frame();
    for keys in ["r", "y", "a", "d", "u", "k", "\r", "q", "A", "q", "w", "\r", "y", "\r", "\x03"] {
        pty.send(keys.as_bytes());
        pty.read_what_is_there();
    }
    pty.until_exit();
    let text = std::fs::read_to_string(&file).unwrap();
    if !text.contains("openat") {
        eprintln!("skipped: strace cannot trace here");
        return;
    }
    let wrong = trace::effects(&text);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_mouse_is_told_in_cells_beyond_the_old_limit() {
    let mut pty = console();
    pty.until("the mouse", |pty| {
        let screen = pty.screen.screen();
        screen.mouse_protocol_mode() == vt100::MouseProtocolMode::PressRelease
            && screen.mouse_protocol_encoding() == vt100::MouseProtocolEncoding::Sgr
    });
    // Reports do no more than scroll or choose.
    pty.send(b"\x1b[<0;10;10M\x1b[<0;10;10m\x1b[<65;10;10M\x1b[<64;1;1M");
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    pty.assert_screen_restored();
}

#[test]
fn every_signal_that_ends_it_gives_the_terminal_back() {
    let cases = [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)];
    for (signal, code) in cases {
        let mut pty = console();
        pty.signal(signal);
        assert_eq!(pty.until_exit(), code, "{signal:?}");
        pty.assert_restored();
        pty.assert_screen_restored();
    }
}

#[test]
fn it_ends_with_its_terminal() {
    let mut pty = console();
    pty.hang_up();
    assert_eq!(pty.until_exit(), 129);
}

#[test]
fn it_ends_with_its_terminal_also_when_nobody_tells_it() {
    let script = "trap '' HUP; exec \"$@\"";
    let mut pty = Pty::start("sh", &["-c", script, "sh", GATEMEDIC, QUIET[0], QUIET[1]]);
    pty.until_frame();
    pty.hang_up();
    assert_eq!(pty.until_exit(), 129);
}

#[cfg(debug_assertions)]
#[test]
fn a_failure_of_its_own_gives_the_terminal_back_and_is_told_on_the_main_screen() {
    let arguments = [&QUIET[..], &["--panic-after-frame", "2"]].concat();
    let mut pty = Pty::start(GATEMEDIC, &arguments);
    assert_eq!(pty.until_exit(), 70);
    pty.assert_restored();
    pty.assert_screen_restored();
    let told = pty.screen.screen().contents();
    assert!(told.contains("gatemedic: internal error at src/"), "{told}");
    let end = String::from_utf8_lossy(&pty.bytes).into_owned();
    let words = &end[end.find("internal error").unwrap()..];
    assert!(!words.contains('\x1b'), "{words:?}");
}

#[test]
fn a_terminal_that_nobody_reads_holds_up_neither_q_nor_a_signal() {
    for (signal, code) in [(None, 0), (Some(Signal::TERM), 143)] {
        let mut pty = console();
        pty.fill();
        match signal {
            Some(signal) => pty.signal(signal),
            None => pty.send(b"q"),
        }
        assert_eq!(pty.until_exit_unread(), code);
        pty.assert_restored();
        pty.read_what_is_there();
        pty.assert_screen_restored();
    }
}

#[test]
fn a_stalled_terminal_is_drawn_again_when_it_is_read_again() {
    let mut pty = console();
    pty.fill();
    pty.resize(60, 20);
    pty.until("a frame of the new size", |pty| {
        let clear = pty.bytes.windows(4).rposition(|w| w == b"\x1b[2J");
        let filler = pty.bytes.windows(8).rposition(|w| w == b"xxxxxxxx");
        clear > filler && pty.screen.screen().contents().lines().any(|l| !l.trim().is_empty())
    });
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn control_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let mut pty = job();
    pty.send(b"\x1a");
    pty.until("the shell", |pty| pty.screen.screen().contents().contains("stopped "));
    pty.assert_restored();
    pty.assert_screen_restored();
    pty.send(b"\n");
    pty.until_frame();
    pty.send(b"q");
    pty.until("its end", |pty| pty.screen.screen().contents().contains("done 0"));
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
}

#[test]
fn control_z_does_nothing_where_no_shell_could_continue_it() {
    let mut pty = console();
    pty.send(b"\x1aq");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn a_stop_from_outside_is_followed_by_a_whole_frame() {
    let mut pty = console();
    pty.signal(Signal::STOP);
    pty.signal(Signal::CONT);
    pty.until("the screen taken again", |pty| {
        pty.bytes.windows(8).filter(|w| w == b"\x1b[?1049h").count() == 2
    });
    pty.until_frame();
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
}

#[test]
fn a_terminal_that_does_not_tell_its_size_is_taken_for_80_by_24() {
    let mut pty = Pty::start_sized(GATEMEDIC, &QUIET, (0, 0), &[]);
    pty.until_frame();
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn sizes_that_nothing_fits_into_are_survived() {
    let mut pty = console();
    for (columns, rows) in [(1, 1), (65_535, 1), (2, 50), (0, 0), (40, 15), (100, 30)] {
        pty.resize(columns.max(1), rows.max(1));
    }
    pty.until_frame();
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
}

#[test]
fn a_terminal_without_a_cursor_gets_a_report_without_an_escape() {
    for term in ["dumb", ""] {
        let mut pty = Pty::start_sized(GATEMEDIC, &QUIET, (100, 30), &[("TERM", term)]);
        let code = pty.until_exit();
        assert!((0..=3).contains(&code), "{code}");
        assert!(!pty.bytes.contains(&0x1b));
        assert!(String::from_utf8_lossy(&pty.bytes).contains("a report instead"));
        pty.assert_restored();
    }
}

#[test]
fn a_pipe_gets_a_report_and_no_note() {
    let output = Command::new(GATEMEDIC).args(QUIET).stdin(Stdio::null()).output().unwrap();
    assert!((0..=3).contains(&output.status.code().unwrap()));
    assert!(!output.stdout.is_empty() && !output.stdout.contains(&0x1b));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_is_told_by_the_exit_code() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(GATEMEDIC)
        .args(QUIET)
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(74));
}
