//! What stays when the console is left, and what a person sets once.

use std::os::unix::fs::PermissionsExt;

use crate::{GATEMEDIC, QUIET, pty::Pty};

/// A folder that root trusts, where root tests.
fn folder() -> tempfile::TempDir {
    if rustix::process::geteuid().is_root() {
        tempfile::tempdir_in("/root").unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn console(more: &[&str]) -> Pty {
    let mut pty = Pty::start(GATEMEDIC, &[&QUIET[..], more].concat());
    pty.until_frame();
    pty
}

fn shows(pty: &Pty, text: &str) -> bool {
    pty.screen.screen().contents().contains(text)
}

#[test]
fn one_line_stays_on_the_main_screen_after_q_and_none_after_a_signal() {
    let mut pty = console(&[]);
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_screen_restored();
    let left = pty.screen.screen().contents();
    assert_eq!(left.matches("gatemedic: ").count(), 1, "{left}");
    let mut pty = console(&[]);
    pty.signal(rustix::process::Signal::TERM);
    pty.until_exit();
    assert!(!shows(&pty, "gatemedic: "), "{}", pty.screen.screen().contents());
}

#[test]
fn settings_hold_as_far_as_they_can_and_the_rest_is_said() {
    let dir = folder();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "utc = true\nmouse = false\ncolr = 1\n[keys]\nhelp = \"h\"\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut pty = console(&["--settings", file.to_str().unwrap()]);
    pty.until("the clock of UTC", |pty| shows(pty, "UTC"));
    assert_eq!(pty.screen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    pty.until("the note", |pty| shows(pty, "1 setting is not used"));
    pty.send(b"0G");
    pty.until("the reason", |pty| shows(pty, "there is no setting \"colr\"; is it colour?"));
    pty.send(b"h");
    pty.until("the help", |pty| shows(pty, "Keys that work here"));
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn root_does_not_read_settings_that_others_can_change() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root distrusts files");
        return;
    }
    let dir = folder();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "utc = true\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut pty = console(&["--settings", file.to_str().unwrap()]);
    pty.send(b"0G");
    pty.until("the reason", |pty| shows(pty, "not read as root"));
    assert!(!shows(&pty, "UTC"));
    pty.send(b"\x03");
    pty.until_exit();
}

#[test]
fn a_saved_screen_is_a_text_and_a_picture_for_its_owner_only() {
    let dir = folder();
    let state = dir.path().join("state");
    let mut pty = console(&["--state", state.to_str().unwrap()]);
    pty.send(b"\x13");
    pty.until("where it is", |pty| shows(pty, "saved: "));
    pty.send(b"q");
    pty.until_exit();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(state.join("screens")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].ends_with("Z.svg") && names[1].ends_with("Z.txt"), "{names:?}");
    let text = std::fs::read_to_string(state.join("screens").join(&names[1])).unwrap();
    assert!(text.contains("1 Overview") || text.contains("1 Home"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
