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
        audit::{Audit, Intent, Outcome, What, Who, Why},
    },
    observation::Text,
    remedy::{Digest, Ending},
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
        self.record_times(1);
    }

    /// Intents with their results, and then they are given away.
    fn record_times(&self, times: usize) {
        let audit = open(&self.state());
        for _ in 0..times {
            let who = Who { user: Text::new("anna\u{1b}[2J\u{202e}"), ..Who::default() };
            let recorded = audit.record(&Intent { who, ..Intent::default() }).unwrap();
            let words = Text::new("3 of 3 answers");
            let outcome =
                Outcome { ending: Ending::Verified, verdict: Some(Verdict::Fixed), words };
            audit.conclude(&recorded, &outcome).unwrap();
        }
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

fn open(state: &Path) -> Audit {
    let permit = Authority { readonly: false, setuid: false }.grant().unwrap();
    let tools = Tools {
        bus: String::new(),
        docker: None,
        state: state.to_owned(),
        runtime: state.join("run"),
    };
    Audit::open(&permit, &tools).unwrap()
}

/// Records of each of two processes.
const EACH: usize = 1_000;

#[test]
fn two_processes_that_record_at_once_write_one_whole_chain() {
    const CHILD: &str = "GATEMEDIC_TEST_AUDIT";
    if let Some(state) = std::env::var_os(CHILD) {
        let audit = open(Path::new(&state));
        let who = Who { user: Text::new(std::process::id().to_string()), ..Who::default() };
        for _ in 0..EACH {
            // Whoever is refused because the other one writes too long tries again.
            while audit.record(&Intent { who: who.clone(), ..Intent::default() }).is_err() {}
        }
        return;
    }
    let desk = Desk::new();
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "two_processes_that_record_at_once_write_one_whole_chain"]);
        command.stdout(std::process::Stdio::null());
        command.env(CHILD, desk.state()).spawn().unwrap()
    };
    let children = [start(), start()];
    let names = children.each_ref().map(|child| format!("\"user\":\"{}\"", child.id()));
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    desk.give();
    let output = desk.run(&["-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 2 * EACH);
    for name in names {
        assert_eq!(lines.matches(&name).count(), EACH, "{name}");
    }
    let numbers = lines.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["sequence"].as_u64().unwrap()
    });
    assert!(numbers.eq(1..=2 * EACH as u64), "each number once, in order");
}

#[test]
fn the_first_line_that_was_deleted_moved_changed_or_cut_off_is_named() {
    let desk = Desk::new();
    desk.record_times(3);
    let file = desk.state().join("audit.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let changed = whole.replacen("3 of 3", "0 of 3", 1);
    let mut moved = lines.clone();
    moved.swap(2, 3);
    let cases = [
        ("deleted", joined(&[&lines[..2], &lines[3..]].concat()), "broken at line 3"),
        ("deleted first", joined(&lines[1..]), "broken at line 1"),
        ("moved", joined(&moved), "broken at line 3"),
        ("changed", changed, "broken at line 2"),
        ("cut off", joined(&lines[..4]), "broken at line 5"),
    ];
    for (what, text, expected) in cases {
        fs::write(&file, text).unwrap();
        desk.give();
        let output = desk.run(&[]);
        let notes = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{what}: {notes}");
        let first = notes.lines().next().unwrap_or_default();
        assert!(first.contains(expected), "{what}: {notes}");
    }
}

#[test]
fn a_record_says_who_when_what_why_and_what_came_of_it_and_no_secret() {
    let desk = Desk::new();
    let audit = open(&desk.state());
    let text = |text: &str| Text::new(text);
    let who = Who {
        uid: 0,
        user: text("root"),
        sudo_user: Some(text("anna")),
        login_uid: Some(1000),
        ssh_client: Some(text("10.0.0.7")),
    };
    let what = What {
        steps: vec![text("start app.service with --password=CANARY")],
        commands: vec![vec![text("systemctl"), text("start"), text("--token=CANARY")]],
        diff: Some(Digest::of(b"a difference")),
        ..What::default()
    };
    let evidence = vec![text("GET /?token=CANARY HTTP/1.1")];
    let why = Why { cause: "app-unit-stopped".into(), evidence, ..Why::default() };
    let recorded = audit.record(&Intent { who, what, why }).unwrap();
    let words = text("3 of 3 answers, before postgres://a:CANARY@db");
    let outcome = Outcome { ending: Ending::Verified, verdict: Some(Verdict::Fixed), words };
    audit.conclude(&recorded, &outcome).unwrap();
    desk.give();
    let lines = String::from_utf8(desk.run(&["-o", "json"]).stdout).unwrap();
    assert!(!lines.contains("CANARY") && !desk.run(&[]).stdout.windows(6).any(|w| w == b"CANARY"));
    let records: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (intent, result) = (&records[0], &records[1]);
    let own = &intent["who"];
    assert_eq!((&own["sudo_user"], &own["login_uid"]), (&"anna".into(), &1000.into()));
    assert_eq!((&own["ssh_client"], &own["uid"]), (&"10.0.0.7".into(), &0.into()));
    assert!(intent["at"].as_str().unwrap().ends_with('Z') && intent["boot_us"].as_u64() > Some(0));
    assert_eq!(intent["what"]["commands"][0][1], "start");
    assert_eq!(intent["what"]["diff"].as_str().unwrap().len(), 64);
    assert_eq!((&result["of"], &result["verdict"]), (&1.into(), &"fixed".into()));
    assert!(result["words"].as_str().unwrap().starts_with("3 of 3 answers"));
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

#[test]
fn an_end_that_was_cut_off_with_its_head_is_known_by_what_the_journal_names() {
    let unshare = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("-m").args(words);
        command
    };
    let journalctl = Path::new("/usr/bin/journalctl");
    if !journalctl.exists() || !unshare(&["true"]).status().is_ok_and(|made| made.success()) {
        eprintln!("skipped: it needs root, unshare(1) and journalctl(1)");
        return;
    }
    // Ours alone, and read as root.
    let desk = Desk::new();
    let audit = open(&desk.state());
    for _ in 0..4 {
        let _ = audit.record(&Intent::default()).unwrap();
    }
    let file = desk.state().join("audit.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    // What a journal gives of them, in the place of journalctl.
    let entry = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let message = format!("audit record {} {}", record["sequence"], record["hash"]);
        let message = message.replace('"', "");
        format!("{}\n", serde_json::json!({"__REALTIME_TIMESTAMP": "7", "MESSAGE": message}))
    };
    let (names, asked) = (desk.folder.path().join("names"), desk.folder.path().join("asked"));
    fs::write(&names, whole.lines().map(entry).collect::<String>()).unwrap();
    let fake = desk.folder.path().join("fake");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\n/bin/cat {}\n",
        asked.display(),
        names.display()
    );
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let run = || {
        let script = "mount --bind \"$1\" /usr/bin/journalctl && exec \"$2\" --state \"$3\" audit";
        let mut command = unshare(&["sh", "-c", script, "sh"]);
        command.arg(&fake).arg(env!("CARGO_BIN_EXE_gatemedic")).arg(desk.state());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, notes) = run();
    assert_eq!((code, notes.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("the journal names 4 of them so"), "{said}");
    let words = fs::read_to_string(&asked).unwrap();
    let folder = format!("GATEMEDIC_AUDIT={}", desk.state().display());
    assert!(words.lines().any(|word| word == folder) && words.contains("\n_UID=0\n"), "{words}");

    let kept: String = whole.split_inclusive('\n').take(2).collect();
    fs::write(&file, kept).unwrap();
    fs::remove_file(desk.state().join("audit.head")).unwrap();
    let (code, said, notes) = run();
    assert_eq!(code, Some(2), "{said}{notes}");
    assert!(notes.contains("the journal names record 3,"), "{notes}");
    assert!(said.contains("BROKEN at line 3"), "{said}");
}
