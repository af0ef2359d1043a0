//! `gatemedic audit`, as a script sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may touch its own files"
)]

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use gatemedic::{
    action::{
        Authority, Tools,
        audit::{Audit, Intent, Outcome, Who},
    },
    observation::Text,
    remedy::Ending,
    verification::Verdict,
};

/// Root's records lie where they lie; a plain user's are where the environment says.
const NOBODY: u32 = 65_534;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), mode).unwrap();
        Self { folder }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("gatemedic")
    }

    fn record(&self) {
        let permit = Authority { readonly: false, setuid: false }.grant().unwrap();
        let tools = Tools {
            bus: String::new(),
            docker: None,
            state: self.state(),
            runtime: self.folder.path().join("run"),
        };
        let audit = Audit::open(&permit, &tools).unwrap();
        let who = Who { user: Text::new("anna\u{1b}[2J\u{202e}"), ..Who::default() };
        let recorded = audit.record(&Intent { who, ..Intent::default() }).unwrap();
        let words = Text::new("3 of 3 answers");
        let outcome = Outcome { ending: Ending::Verified, verdict: Some(Verdict::Fixed), words };
        audit.conclude(&recorded, &outcome).unwrap();
        self.give();
    }

    /// To whom runs the program.
    fn give(&self) {
        if rustix::process::geteuid().is_root() {
            let own = |path: &Path| chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            own(&self.state());
            for entry in fs::read_dir(self.state()).unwrap() {
                own(&entry.unwrap().path());
            }
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
        command.arg("audit").args(arguments).env("XDG_STATE_HOME", self.folder.path());
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap()
    }
}

#[test]
fn nothing_recorded_is_3_and_a_whole_chain_is_0_and_a_changed_line_is_2() {
    let desk = Desk::new();
    let none = desk.run(&[]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(3), 0), "{none:?}");
    desk.record();
    let whole = desk.run(&[]);
    let text = String::from_utf8(whole.stdout).unwrap();
    assert_eq!(whole.status.code(), Some(0), "{text}");
    assert!(text.contains("result of #1: fixed. 3 of 3 answers"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    let file = desk.state().join("audit.jsonl");
    let changed = fs::read_to_string(&file).unwrap().replace("3 of 3", "0 of 3");
    fs::write(&file, changed).unwrap();
    let broken = desk.run(&[]);
    assert_eq!(broken.status.code(), Some(2));
    let notes = String::from_utf8(broken.stderr).unwrap();
    assert!(notes.contains("broken at line 2"), "{notes}");
}

#[test]
fn json_is_one_object_a_line_and_nothing_that_a_terminal_acts_on() {
    let desk = Desk::new();
    desk.record();
    let output = desk.run(&["-o", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.bytes().all(|b| (b' '..=b'~').contains(&b) || b == b'\n'), "{lines:?}");
    let phases: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(phases.len(), 2);
    assert_eq!((&phases[0]["phase"], &phases[1]["verdict"]), (&"intent".into(), &"fixed".into()));
    assert_eq!(phases[1]["previous"], phases[0]["hash"]);
    assert!(phases.iter().all(|line| line["boot"].as_str().is_some_and(|b| b.len() == 36)));
}

#[test]
fn records_of_somebody_else_are_not_read() {
    let desk = Desk::new();
    desk.record();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(desk.state(), mode).unwrap();
    let output = desk.run(&[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{output:?}");
}
