//! How it is started, what reaches its screen, and what a signal or a changed
//! file make of it.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use rustix::{
    process::Signal,
    termios::{LocalModes, tcgetattr},
};

use crate::{
    broker::Broker,
    ground::{
        GATEMEDIC, QUIET, broker_of, hindrance, is_drawn, kiosk, of_each_thread, proc_file, said,
    },
    planted::Planted,
    pty::Pty,
    skip,
};

/// Words that only a session that may act shows.
const DEEDS: [&str; 6] = ["r repair", "a actions", "may act", "do it", "[y]", "undo"];

pub(crate) fn assert_only_looks(pty: &Pty) {
    let screen = pty.screen.screen().contents();
    for deed in DEEDS {
        assert!(!screen.contains(deed), "{deed:?} in\n{screen}");
    }
}

#[test]
fn no_key_suspends_it_leaves_a_core_or_opens_a_shell() {
    let mut pty = kiosk(&[]);
    let modes = tcgetattr(&pty.slave).unwrap().local_modes;
    assert!(!modes.intersects(LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO));
    // Ctrl-Z, Ctrl-\, Ctrl-S and Ctrl-Y, an escape to a shell, a pager's and an editor's.
    for keys in [&b"\x1a"[..], b"\x1c", b"\x13", b"\x19", b"!sh\r", b"|sh\r", b"v", b":!sh\r"] {
        pty.send(keys);
        pty.send(b"\x1b");
        pty.read_what_is_there();
    }
    pty.signal(Signal::TSTP);
    pty.send(b"\x1b\x1b\x1b");
    pty.resize(90, 28);
    pty.until("a frame of the new size", is_drawn);
    let state = proc_file(pty.pid(), "status");
    let state = state.lines().find(|line| line.starts_with("State:")).unwrap();
    assert!(!state.contains("stopped"), "{state}");
    // The one child is the broker.
    let id = pty.pid().as_raw_nonzero();
    let children = proc_file(pty.pid(), &format!("task/{id}/children"));
    assert_eq!(children.split_whitespace().count(), 1, "{children}");
    assert_only_looks(&pty);
}

#[test]
fn what_a_terminal_answers_is_neither_typed_nor_asked_for() {
    let mut pty = kiosk(&[]);
    pty.send(b"\x1b[?62;4c\x1bP1$r0m\x1b\\\x1b]11;rgb:0000/0000/0000\x07\x1b]52;c;cQ==\x1b\\");
    pty.resize(92, 30);
    pty.until("a frame", is_drawn);
    // Device attributes, status strings, titles, the clipboard: nothing that is answered.
    for question in
        [&b"\x1b[c"[..], b"\x1b[>c", b"\x1b[6n", b"\x1b[21t", b"\x1b]52;c;?", b"\x1bP$q"]
    {
        assert!(!pty.bytes.windows(question.len()).any(|w| w == question), "{question:?}");
    }
}

#[test]
fn without_keys_no_key_is_looked_at_and_a_signal_still_ends_it() {
    let mut pty = kiosk(&["--no-keys"]);
    for keys in [&b"q"[..], b"\x03", b"?", b"9", b"\x1b[200~q\x1b[201~", b"\x1b[<0;3;3M"] {
        pty.send(keys);
    }
    pty.resize(91, 29);
    pty.until("a frame", is_drawn);
    assert!(!pty.bytes.windows(8).any(|w| w == b"\x1b[?1000h"), "the mouse is left alone");
    assert!(pty.child.try_wait().unwrap().is_none(), "a key ended it");
    pty.signal(Signal::TERM);
    assert_eq!(pty.until_exit(), 143);
    pty.assert_restored();
    pty.assert_screen_restored();
}

#[test]
fn no_signal_and_no_changed_file_make_it_more_than_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nginx.conf");
    fs::write(&config, "events {}\nhttp { server { listen 127.0.0.1:1; } }\n").unwrap();
    let name = config.display().to_string();
    // Ended in order; and what the kernel, the runtime or nobody answers.
    let fatal = [1, 2, 3, 15];
    let survived = [13, 17, 18, 20, 21, 22, 23, 28];
    // What a fault of its own raises: the terminal is given back all the same.
    let faults = [4, 6, 7, 8, 11];
    let mut pty = None;
    for number in (1..=31).filter(|number| *number != 9 && *number != 19) {
        let mut held = pty.take().unwrap_or_else(|| kiosk(&["-c", &name]));
        let broker = broker_of(held.pid());
        fs::write(&config, format!("# {number}\nevents {{}}\nreadonly off;\n")).unwrap();
        held.signal(Signal::from_named_raw(number).unwrap());
        if fatal.contains(&number) {
            let code = held.until_exit();
            assert_eq!(code, 128 + u32::try_from(number).unwrap());
            held.assert_restored();
            continue;
        }
        // Most signals end a program that does not ask for them; then the broker goes too.
        if !survived.contains(&number) {
            drop(held.child.wait());
            if faults.contains(&number) {
                held.read_what_is_there();
                held.assert_restored();
                held.assert_screen_restored();
            }
            let broker = broker.expect("a broker").as_raw_nonzero();
            let gone = || fs::read_to_string(format!("/proc/{broker}/comm")).is_err();
            crate::broker::until("the broker ends", gone);
            continue;
        }
        for keys in ["r", "y", "a", "d", "u", "\x1b"] {
            held.send(keys.as_bytes());
            held.read_what_is_there();
        }
        held.resize(100 + u16::try_from(number).unwrap(), 30);
        held.until("a frame", is_drawn);
        assert_only_looks(&held);
        if rustix::process::geteuid().is_root() {
            assert!(of_each_thread(held.pid(), "Uid:").iter().all(|uid| !uid.starts_with("0\t")));
        }
        pty = Some(held);
    }
}

#[test]
fn as_a_login_shell_it_runs_nothing_that_it_is_told_to() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let shell = folder.path().join("gatemedic-kiosk");
    symlink(GATEMEDIC, &shell).unwrap();
    let made = folder.path().join("made");
    let order = format!("touch {}", made.display());
    let environment = [("SSH_ORIGINAL_COMMAND", order.as_str()), ("SHELL", "/bin/sh")];
    // As sshd starts a login shell with a command, and as `ssh -t host fix` would ask.
    for words in [&["-c", order.as_str()][..], &["fix", "--yes"], &[]] {
        let mut pty =
            Pty::start_sized(&shell.display().to_string(), words, (100, 30), &environment);
        pty.until_frame();
        assert!(said(&pty).contains("kiosk: locked"), "strict");
        pty.send(b"q");
        assert_eq!(pty.until_exit(), 0);
        pty.assert_restored();
    }
    assert!(!made.exists());
    // As ForceCommand: the words are the administrator's, the variable is not.
    let mut pty = Pty::start_sized(GATEMEDIC, &QUIET, (100, 30), &environment);
    pty.until_frame();
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    assert!(!made.exists());
}

#[test]
fn without_a_terminal_or_a_way_to_become_somebody_it_refuses() {
    let run =
        |words: &[&str]| Command::new(GATEMEDIC).args(words).stdin(Stdio::null()).output().unwrap();
    let output = run(&["kiosk"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
    // There is no way to show what is redacted.
    assert_eq!(run(&["kiosk", "--no-redact"]).status.code(), Some(64));
    // The broker is nobody's but a kiosk's.
    let output = run(&["kiosk-broker"]);
    assert_eq!(output.status.code(), Some(77));
    assert!(output.stdout.is_empty());
    for user in ["root", "no-such-user"] {
        let mut pty = Pty::start(GATEMEDIC, &["kiosk", "--user", user]);
        assert_eq!(pty.until_exit(), 77, "{user}");
    }
}

#[test]
fn secrets_in_logs_and_configurations_do_not_reach_the_wall() {
    let planted = Planted::new();
    let mut pty = Pty::start_sized(
        GATEMEDIC,
        &[&QUIET[..], &["-c", &planted.config()]].concat(),
        (200, 60),
        &[],
    );
    pty.until_frame();
    // Every page, also after the sources have looked.
    for turn in 0..40 {
        pty.send(b"\x1b[C");
        pty.resize(200, 60 - turn % 2);
        pty.until("a frame", is_drawn);
    }
    Planted::assert_kept("the wall", &pty.bytes);
}

#[test]
fn secrets_stay_with_the_broker() {
    let planted = Planted::new();
    let mut broker = Broker::start(&["-c", &planted.config()]);
    broker.greet();
    loop {
        let record = broker.record().to_string();
        Planted::assert_kept("the line to the screen", record.as_bytes());
        if record.contains("client: 203.0.113.9") && record.contains(Planted::mark()) {
            assert!(record.contains("[redacted:"), "{record}");
            return;
        }
    }
}

#[test]
fn the_unit_that_is_shipped_is_one_that_systemd_takes() {
    let analyze = "/usr/bin/systemd-analyze";
    if !std::path::Path::new(analyze).exists() {
        skip!("there is no {analyze}");
    }
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/kiosk/gatemedic-kiosk.service");
    let text = fs::read_to_string(shipped).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("gatemedic-kiosk.service");
    fs::write(&unit, text.replace("/usr/local/bin/gatemedic", GATEMEDIC)).unwrap();
    let output = Command::new(analyze).arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("gatemedic-kiosk")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
    for line in ["Restart=always", "Conflicts=getty@tty1.service", "TTYPath=/dev/tty1"] {
        assert!(text.lines().any(|have| have == line), "{line}");
    }
}
