//! Whatever is pressed, clicked or pasted.

use std::{collections::BTreeSet, path::Path};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    ground::{GATEMEDIC, QUIET, STRACE, hindrance, is_drawn, kiosk, traced},
    pty::Pty,
    skip,
    start::assert_only_looks,
    trace,
};

/// Inputs of one run; the long run has so many for each case that is asked for.
const INPUTS: u32 = 400;

/// A key, a click, a paste, or bytes that mean nothing. Never what leaves.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let key = (b' '..=b'~').prop_filter("leaves", |key| *key != b'q').prop_map(|key| vec![key]);
    let control = (1_u8..=26).prop_filter("leaves", |key| *key != 3).prop_map(|key| vec![key]);
    let named = prop::sample::select(vec![
        "\x1b[A",
        "\x1b[B",
        "\x1b[C",
        "\x1b[D",
        "\x1b[5~",
        "\x1b[6~",
        "\x1b[H",
        "\x1b[F",
        "\x1b[Z",
        "\t",
        "\r",
        "\x1b",
        "\x7f",
        "\x1bOP",
        "\x1b[15~",
        "\x1b[24~",
        "\x1b[1;5A",
    ])
    .prop_map(|key| key.as_bytes().to_vec());
    let mouse = (0_u8..100, 1_u16..200, 1_u16..60, any::<bool>()).prop_map(|(b, x, y, up)| {
        format!("\x1b[<{b};{x};{y}{}", if up { 'm' } else { 'M' }).into_bytes()
    });
    let paste = "[ -~]{0,40}".prop_map(|text| format!("\x1b[200~{text}\x1b[201~").into_bytes());
    let junk = prop::collection::vec(0x80_u8..=0xff, 1..6);
    prop_oneof![6 => key, 2 => control, 4 => named, 2 => mouse, 1 => paste, 1 => junk]
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn play(pty: &mut Pty, count: u32) {
    let (mut runner, input) = (TestRunner::default(), input());
    for at in 0..count {
        let ended = pty.child.try_wait().unwrap().is_some();
        assert!(!ended, "it ended:\n{}", pty.screen.screen().contents());
        pty.send(&input.new_tree(&mut runner).unwrap().current());
        pty.read_what_is_there();
        if at % 20 == 0 {
            assert_only_looks(pty);
        }
    }
    // Out of every sequence and every layer, and still there.
    pty.send(b"\x18\x1b\\\x1b[201~");
    pty.read_what_is_there();
    pty.send(b"\x1b");
    pty.resize(101, 31);
    settled(pty);
    assert_only_looks(pty);
}

/// Leaves as a person does: what was typed before may still be half a sequence.
fn leave(pty: &mut Pty) {
    crate::broker::until("its end", || {
        pty.send(b"\x03");
        pty.read_what_is_there();
        // What follows a paste at once is dropped with it.
        std::thread::sleep(std::time::Duration::from_millis(200));
        pty.child.try_wait().unwrap().is_some_and(|status| {
            assert!(status.success(), "{status:?}");
            true
        })
    });
}

/// The frame after everything that was typed.
fn settled(pty: &mut Pty) {
    let before = pty.bytes.len();
    let left = std::cell::Cell::new(300_u32);
    pty.until("a frame", |pty| {
        left.set(left.get() - 1);
        assert!(left.get() > 0, "not in\n{}", pty.screen.screen().contents());
        pty.bytes.len() > before && is_drawn(pty)
    });
}

#[test]
fn no_input_makes_a_screen_offer_a_deed() {
    let mut pty = kiosk(&[]);
    play(&mut pty, INPUTS * cases().min(200));
    leave(&mut pty);
    pty.assert_restored();
}

#[test]
fn the_kernel_sees_no_deed_whatever_is_pressed() {
    if !Path::new(STRACE).exists() {
        skip!("there is no {STRACE}");
    }
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace");
    let name = file.display().to_string();
    let calls = format!("{},unshare,clone,connect,socket", trace::CALLS);
    let options = ["-f", "-qq", "-s", "256", "-e", &calls, "-e", "signal=none", "-o", &name];
    let mut pty = Pty::start(STRACE, &[&options[..], &[GATEMEDIC], &QUIET].concat());
    pty.until_frame();
    play(&mut pty, INPUTS);
    leave(&mut pty);
    let Some(text) = traced(&file) else { skip!("strace cannot trace here") };
    // The last try of the self-test: whoever makes it is the screen, and locked from here on.
    let tried = text.find("unshare(CLONE_NEWNS").expect("the self-test");
    let line = &text[text[..tried].rfind('\n').map_or(0, |at| at + 1)..];
    let mut screen = BTreeSet::from([line.split_whitespace().next().unwrap()]);
    for line in line.lines().skip(1) {
        let (pid, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if screen.contains(pid) {
            match call.strip_prefix("clone(") {
                Some(call) if call.contains("CLONE_THREAD") => {
                    screen.extend(call.rsplit("= ").next());
                }
                _ if call.starts_with("tgkill") || call.starts_with("kill") => {}
                // What is refused did nothing.
                _ if call.contains("= -1 E") => {}
                _ => assert!(call.starts_with("<...") || call.starts_with("+++"), "{line}"),
            }
        }
    }
    assert!(screen.len() > 2, "its threads were not followed: {screen:?}");
    // What reads is as harmless as any session that only looks, and what was refused did nothing.
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("= -1 E") && !line.contains("\"/proc/self/exe\""))
        // How a try of the self-test ended stands in a later line; it was not as it began.
        .filter(|line| {
            let own = line.split_once(' ').is_some_and(|(pid, _)| screen.contains(pid));
            !(own && line.ends_with("<unfinished ...>"))
        })
        .collect();
    let lines = lines.join("\n");
    let mut wrong = trace::effects(&lines);
    wrong.retain(|call| {
        !["unshare", "clone", "connect", "socket"].iter().any(|c| call.starts_with(c))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}
