//! What comes in besides keys is never taken for keys.

use super::{Pty, console};

fn is_at_home(pty: &Pty) -> bool {
    pty.screen.screen().contents().contains("[1 Overview]")
}

#[test]
fn what_a_terminal_answers_presses_no_key() {
    let mut pty = console();
    for answer in [
        &b"\x1b[?62;4;6;22c"[..],
        b"\x1b[>1;4000;20c",
        b"\x1b[24;80R",
        b"\x1bP1$r0;1m\x1b\\",
        b"\x1bP1+r436f=323536\x1b\\",
        b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]52;c;cXFxcXk=\x07",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[8;40;120t",
        b"\x1b[I\x1b[O",
    ] {
        pty.send(answer);
    }
    // The next key is the first that is one.
    pty.send(b"6");
    pty.until("the view", |pty| pty.screen.screen().contents().contains("[6 Memory]"));
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn a_paste_of_a_megabyte_with_a_forged_end_does_nothing_and_the_next_key_works() {
    let mut pty = console();
    pty.until("the overview", is_at_home);
    let mut paste = b"\x1b[200~".to_vec();
    for _ in 0..100_000 {
        paste.extend_from_slice(b"q\ry6ra\x1b[A ");
    }
    // What follows a forged end at once is still somebody else's text.
    paste.extend_from_slice(b"\x1b[201~qqq\ryyy6");
    pty.send_all(&paste);
    pty.send_all(b"\x1b[201~");
    // The last byte has been read when the terminal holds nothing more, and quiet is over when the
    // clock on the screen has gone on twice: a whole second.
    let clock = |pty: &Pty| pty.screen.screen().contents().lines().nth(1).map(str::to_owned);
    for _ in 0..2 {
        let now = clock(&pty);
        pty.until("a second", |pty| clock(pty) != now);
    }
    assert!(is_at_home(&pty), "{}", pty.screen.screen().contents());
    pty.send(b"6");
    pty.until("the view", |pty| pty.screen.screen().contents().contains("[6 Memory]"));
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn a_key_that_repeats_for_seconds_begins_nothing_and_is_over_when_it_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let arguments = ["--state", state, "--docker-socket", "/nonexistent/docker.sock"];
    let mut pty = Pty::start(super::GATEMEDIC, &arguments);
    pty.until_frame();
    // Three seconds of thirty a second of each key that acts, and of yes.
    for key in [b'r', b'd', b'u', b'y', b'r'] {
        pty.send_all(&[key; 90]);
    }
    // The first one may be the second half of Alt and a key.
    pty.send(b"\x1b\x03\x03");
    assert_eq!(pty.until_exit(), 0);
    let audit = folder.path().join("audit.jsonl");
    let told = std::fs::read_to_string(audit).unwrap_or_default();
    assert_eq!(told, "", "something was begun");
}
