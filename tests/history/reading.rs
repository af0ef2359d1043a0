//! Sessions that only look: they read the history and leave nothing behind.

use std::{fs, path::Path};

use gatemedic::action::incidents::{Found, find};

use super::{
    desk::{Desk, fixed},
    pty::Pty,
    trace,
};

/// What lies in the folder, with its bytes and times.
fn print(folder: &Path) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            (path.display().to_string(), fs::read(&path).unwrap(), changed)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_console_that_only_looks_reads_the_history_and_changes_nothing() {
    if !Path::new("/usr/bin/strace").exists() {
        eprintln!("skipped: there is no /usr/bin/strace");
        return;
    }
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    fs::remove_file(desk.state().join("history.lock")).unwrap();
    let before = print(&desk.state());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace");
    let (name, state) = (file.display().to_string(), desk.state().display().to_string());
    let arguments = [
        &["-f", "-qq", "-s", "256", "-e", trace::CALLS, "-e", "signal=none", "-o", &name][..],
        &[env!("CARGO_BIN_EXE_gatemedic"), "--readonly", "--state", &state],
        &["--docker-socket", "/nonexistent/docker.sock"],
    ]
    .concat();
    let mut pty = Pty::start("/usr/bin/strace", &arguments);
    pty.until_frame();
    // The screen goes on being drawn; the history is read after its first frame.
    let read = || fs::read_to_string(&file).is_ok_and(|text| text.contains("\"history.db\""));
    pty.until("the history", |_| read());
    pty.send(b"q");
    pty.until_exit();
    let text = fs::read_to_string(&file).unwrap();
    let wrong = trace::effects(&text);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(print(&desk.state()), before);
}

#[test]
fn a_list_changes_nothing() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    let before = print(&desk.state());
    assert_eq!(desk.run(&["history"]).status.code(), Some(0));
    assert_eq!(print(&desk.state()), before);
}

#[test]
fn a_damaged_history_is_named_in_the_console_and_set_aside_by_one_that_may_act() {
    let desk = Desk::new();
    desk.put(b"no database");
    let state = desk.state().display().to_string();
    let quiet = ["--docker-socket", "/nonexistent/docker.sock"];
    let console = |more: &[&str]| {
        let arguments = [&["--state", &state][..], &quiet, more].concat();
        let mut pty = Pty::start(env!("CARGO_BIN_EXE_gatemedic"), &arguments);
        let shows = |pty: &Pty, words: &str| pty.screen.screen().contents().contains(words);
        pty.until("the notice", |pty| shows(pty, "the history is not whole"));
        pty.send(b"0");
        pty.until("the page", |pty| shows(pty, "What can be seen"));
        for _ in 0..6 {
            pty.send(b"\x1b[6~");
        }
        pty.until("why", |pty| shows(pty, "is damaged"));
        pty.send(b"q");
        pty.until("the panes", |pty| !shows(pty, "is damaged"));
        pty.send(b"q");
        pty.until_exit();
    };
    console(&["--readonly"]);
    assert_eq!(desk.names(), ["history.db"]);
    console(&[]);
    let names = desk.names();
    assert!(names.iter().any(|name| name.starts_with("history.db.corrupt-")), "{names:?}");
    let (Found::Book(_) | Found::Nothing) = find(&desk.tools()) else { panic!("{names:?}") };
}
