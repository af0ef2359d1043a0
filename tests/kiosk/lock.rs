//! What holds, as the kernel says it and as the program tried it.

use std::{fs, path::Path};

use crate::{
    ground::{
        GATEMEDIC, QUIET, STRACE, broker_of, descriptors, hindrance, kiosk, of_each_thread,
        proc_file, said,
    },
    pty::Pty,
    skip,
};

/// The self-test has to try each of these.
const TRIES: [&str; 20] = [
    "write a file",
    "read a file",
    "make a folder",
    "rename a file",
    "link a file",
    "remove a file",
    "truncate a file",
    "change a mode",
    "change an owner",
    "start a program",
    "signal process 1",
    "signal its parent",
    "signal the broker",
    "become root",
    "connect to Docker",
    "connect to D-Bus",
    "connect to an abstract socket",
    "open a netlink socket",
    "set the host's name",
    "mount",
];

#[test]
fn every_try_against_the_lock_is_refused_and_printed_before_the_screen_is_taken() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let pty = kiosk(&["--strict"]);
    let said = said(&pty);
    for what in TRIES {
        let line = said.lines().find(|line| line.contains(&format!("kiosk: ok   {what}:")));
        let line = line.unwrap_or_else(|| panic!("{what} is not among\n{said}"));
        assert!(line.contains("EPERM") || line.contains("EACCES"), "{line}");
    }
    assert!(!said.contains("FAIL"), "{said}");
    assert!(said.contains("kiosk: locked: all of"), "{said}");
}

#[test]
fn no_thread_of_the_screen_has_a_right_left() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let pty = kiosk(&[]);
    let screen = pty.pid();
    for (field, held) in [
        ("Uid:", "65534\t65534\t65534\t65534"),
        ("CapPrm:", "0000000000000000"),
        ("CapEff:", "0000000000000000"),
        ("CapInh:", "0000000000000000"),
        ("CapBnd:", "0000000000000000"),
        ("CapAmb:", "0000000000000000"),
        ("NoNewPrivs:", "1"),
        ("Seccomp:", "2"),
    ] {
        let threads = of_each_thread(screen, field);
        assert!(threads.len() > 1, "its threads are running");
        for value in threads {
            assert_eq!(value, held, "{field}");
        }
    }
    let groups = of_each_thread(screen, "Groups:");
    assert!(groups.iter().all(|groups| groups == "65534"), "{groups:?}");
    let limits = proc_file(screen, "limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // The other process keeps what it needs.
    let broker = broker_of(screen).unwrap();
    assert!(of_each_thread(broker, "Uid:").iter().all(|uid| uid.starts_with("0\t")));
}

#[test]
fn the_screen_holds_its_terminal_a_nameless_pair_and_nothing_of_the_network() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    let pty = kiosk(&[]);
    let held = descriptors(pty.pid());
    let named = fs::read_to_string("/proc/net/unix").unwrap();
    let mut sockets = 0;
    for what in held {
        let what = what.to_string_lossy().into_owned();
        if let Some(inode) = what.strip_prefix("socket:[").and_then(|s| s.strip_suffix(']')) {
            let line = named.lines().find(|line| line.split_whitespace().nth(6) == Some(inode));
            let line = line.unwrap_or_else(|| panic!("{what} is no unix socket"));
            assert_eq!(line.split_whitespace().count(), 7, "it has a name: {line}");
            sockets += 1;
            continue;
        }
        let harmless = ["/dev/pts/", "/dev/tty", "anon_inode:[event"];
        assert!(harmless.iter().any(|start| what.starts_with(start)), "{what}");
    }
    assert!(sockets > 0, "the pair to the broker");
    // What reads has what the screen has not.
    let broker = descriptors(broker_of(pty.pid()).unwrap());
    assert!(broker.len() > 5 && broker.iter().all(|fd| !fd.starts_with("/dev/pts")), "{broker:?}");
}

#[test]
fn what_whoever_started_it_left_open_is_closed_before_anything_else() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    // As a shell or a supervisor that forgot to close a file that only root may read.
    let script = format!("exec 7</etc/shadow; exec {GATEMEDIC} {} --strict", QUIET.join(" "));
    let mut pty = Pty::start("/bin/sh", &["-c", &script]);
    pty.until_frame();
    for process in [pty.pid(), broker_of(pty.pid()).unwrap()] {
        let held = descriptors(process);
        assert!(!held.iter().any(|what| what == Path::new("/etc/shadow")), "{held:?}");
    }
    assert!(said(&pty).contains("kiosk: ok   what was open at its start:"), "{}", said(&pty));
}

#[test]
fn a_kernel_with_an_early_landlock_is_strict_too_and_says_what_seccomp_keeps_alone() {
    if !Path::new(STRACE).exists() {
        skip!("there is no {STRACE}");
    }
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    // As Linux 6.1 answers to the question for its version.
    let inject = "inject=landlock_create_ruleset:retval=2:when=1";
    let words = [&["-f", "-qq", "-o", "/dev/null", "-e", inject, GATEMEDIC][..], &QUIET].concat();
    let mut pty = Pty::start(STRACE, &[&words[..], &["--strict"]].concat());
    pty.until_frame();
    let text = said(&pty);
    let line = text.lines().find(|line| line.contains("kiosk: ok   Landlock:"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("no file (ABI 2)"), "{line}");
    assert!(line.contains("TCP, signals and abstract sockets by seccomp alone"), "{line}");
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn what_somebody_laid_into_tmp_does_not_keep_a_strict_kiosk_from_starting() {
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    // The name that a self-test of the next processes would choose, if it could be foretold.
    let next = std::process::id();
    let planted: Vec<_> =
        (next..next + 2_000).map(|pid| format!("/tmp/.gatemedic-self-test-{pid}")).collect();
    for folder in &planted {
        let _ = fs::create_dir(folder);
    }
    let mut pty = Pty::start(GATEMEDIC, &[&QUIET[..], &["--strict"]].concat());
    let drawn = pty.frame_or_end();
    for folder in &planted {
        let _ = fs::remove_dir(folder);
    }
    assert!(drawn, "{}", said(&pty));
}

#[test]
fn without_a_part_of_the_lock_strict_refuses_and_a_screen_says_what_is_missing() {
    if !Path::new(STRACE).exists() {
        skip!("there is no {STRACE}");
    }
    if let Some(why) = hindrance() {
        skip!("{why}");
    }
    for (call, part) in [("landlock_create_ruleset", "Landlock"), ("seccomp", "seccomp")] {
        let inject = format!("inject={call}:error=ENOSYS");
        let words =
            [&["-f", "-qq", "-o", "/dev/null", "-e", &inject, GATEMEDIC][..], &QUIET].concat();
        let mut strict = Pty::start(STRACE, &[&words[..], &["--strict"]].concat());
        assert_eq!(strict.until_exit(), 77, "{}", said(&strict));
        let text = said(&strict);
        assert!(text.contains("refused: --strict, and the lock is not whole"), "{text}");
        assert!(!strict.bytes.windows(8).any(|w| w == b"\x1b[?1049h"), "a screen was taken");
        let mut lax = Pty::start(STRACE, &words);
        lax.until_frame();
        let text = said(&lax);
        let line = text.lines().find(|line| line.contains("UI-only lock, missing:"));
        assert!(line.is_some_and(|line| line.contains(part)), "{text}");
        lax.send(b"q");
        lax.until_exit();
    }
}
