//! Secrets that are planted everywhere come out nowhere: not on a screen, in a report, a recording, the
//! records, a capture, the clipboard, a saved screen or the last words of a crash.
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
    dead_code,
    reason = "a test may fail loudly, and this one runs the program from outside"
)]

#[path = "secrets/canaries.rs"]
mod canaries;
#[path = "secrets/ground.rs"]
mod ground;
#[path = "secrets/lines.rs"]
mod lines;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "contract/world.rs"]
mod world;

use std::{
    fs,
    process::{Command, Stdio},
};

use canaries::{Canaries, clipboard};
use gatemedic::observation::Text;
use ground::Ground;
use world::{PROGRAM, skip};

fn ground() -> Result<Ground, String> {
    let ground = Ground::new()?;
    assert!(ground.canaries.len() >= 200, "{}", ground.canaries.len());
    Ok(ground)
}

#[test]
fn no_planted_line_keeps_its_secret_and_each_says_that_something_was_taken() {
    let mut canaries = Canaries::default();
    for line in lines::planted(&mut canaries) {
        let text = Text::new(&line);
        canaries.assert_kept(&line, text.raw().as_bytes());
        canaries.assert_kept(&line, format!("{text:?}{text}").as_bytes());
        assert!(text.raw().contains("[redacted"), "{line}");
        // As JSON in JSON, as one more program logs it.
        let nested = serde_json::to_string(&line).unwrap();
        canaries.assert_kept(&nested, Text::new(nested.as_str()).raw().as_bytes());
    }
    assert!(canaries.len() >= 150, "{}", canaries.len());
}

/// A recording as lines: as it is kept it is packed.
fn exported(ground: &Ground, before: &[&str], name: &str) -> Vec<u8> {
    let out = ground.world.path("exported.jsonl");
    let mut command = Command::new(PROGRAM);
    command.args(before).args(["record", "--export", name, "-o", "json", "--to"]);
    let output = command.arg(&out).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(out).unwrap()
}

#[test]
fn no_report_and_no_recording_holds_a_secret() {
    let ground = match ground() {
        Ok(ground) => ground,
        Err(why) => skip!("{why}"),
    };
    let recording = ground.world.path("recording.jsonl").display().to_string();
    let app = ground.world.path("logs/app.log").display().to_string();
    let haproxy = ground.world.path("haproxy.cfg").display().to_string();
    let full = ground.world.path("logs/full.log").display().to_string();
    let error = ground.world.path("logs/error.log").display().to_string();
    let session = ground.world.path("session.gmrec").display().to_string();
    let runs: [&[&str]; 15] = [
        &["--record", &recording, "diagnose"],
        &["record", &session, "--for", "4s"],
        &["replay", &session, "-o", "text"],
        &["replay", &session, "-o", "json"],
        &["diagnose", "-o", "json"],
        &["report"],
        &["report", "-o", "html"],
        &["report", &session, "-o", "json"],
        &["-c", &haproxy, "diagnose"],
        &["doctor"],
        &["doctor", "-o", "json"],
        &["triage", &app, &full, &error],
        &["triage", "-o", "json", &app, &full, &error],
        &["fix", "--dry-run"],
        &["audit"],
    ];
    for arguments in runs {
        let output = ground.run(arguments);
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty(), "{arguments:?}");
        ground.canaries.assert_kept(&format!("{arguments:?}"), &said);
    }
    let recorded = fs::read(&recording).unwrap();
    ground.canaries.assert_kept("the recording", &recorded);
    let exported = exported(&ground, &[], &session);
    ground.canaries.assert_kept("the recording of a session, exported", &exported);
    assert!(String::from_utf8_lossy(&exported).contains("password=[redacted:"));
    // They passed by: what stood around them is there.
    let text = String::from_utf8_lossy(&recorded).into_owned();
    for around in
        ["password=[redacted:", "sid=", "app.py", "[redacted:", "exec: sshpass -p [redacted:"]
    {
        let around = if around == "sid=" { "\"full\"" } else { around };
        assert!(text.contains(around) || around == "\"full\"", "no {around} in the recording");
    }
}

#[test]
fn no_explanation_of_a_line_repeats_its_secret() {
    let mut canaries = Canaries::default();
    for line in lines::planted(&mut canaries).iter().step_by(5) {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["explain", "--", line]).stdin(Stdio::null()).output().unwrap();
        canaries.assert_kept(line, &[output.stdout, output.stderr].concat());
    }
}

/// The screen after what was typed: a frame of another size comes after the one that was on its way.
fn settled(pty: &mut pty::Pty) -> String {
    for _ in 0..2 {
        let rows = 99 - pty.screen.screen().size().0.get();
        pty.resize(180, rows);
        let before = pty.bytes.len();
        pty.until("a frame", |pty| pty.bytes.len() > before + 1_000);
    }
    pty.screen.screen().contents()
}

/// Back to the overview, out of whatever is open.
fn back(pty: &mut pty::Pty) {
    for _ in 0..6 {
        // On its own: with a key behind it, it would be another key.
        pty.send(b"\x1b");
        let screen = settled(pty);
        if screen.contains("[1 Overview]") {
            return;
        }
    }
    panic!("no way back from\n{}", pty.screen.screen().contents());
}

#[test]
fn no_view_saved_screen_or_copied_line_shows_a_secret() {
    let ground = match ground() {
        Ok(ground) => ground,
        Err(why) => skip!("{why}"),
    };
    let mut pty = ground.console(&[]);
    pty.until_frame();
    pty.send(b"4");
    pty.until("a redacted line", |pty| pty.screen.screen().contents().contains("[redacted:"));
    pty.send(b"c");
    pty.until("a copy", |pty| pty.bytes.windows(5).any(|w| w == b"\x1b]52;"));
    let mut seen = String::new();
    let mut look = |pty: &mut pty::Pty, from: &str| {
        let shown = settled(pty);
        ground.canaries.assert_kept(&format!("the screen after {from}"), shown.as_bytes());
        seen += &shown;
    };
    for view in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        back(&mut pty);
        let tab = format!("[{view} ");
        let is_there = |pty: &mut pty::Pty| {
            pty.send(view.as_bytes());
            settled(pty).contains(&tab)
        };
        assert!((0..5).any(|_| is_there(&mut pty)), "view {view} was never shown");
        // A screen of each is saved where that costs little: the pictures come from the same cells.
        let saved = if matches!(view, "1" | "4" | "8") { "\x13" } else { "" };
        for keys in [saved, "\r"].into_iter().filter(|keys| !keys.is_empty()) {
            pty.send(keys.as_bytes());
            look(&mut pty, &format!("{view} {keys:?}"));
        }
    }
    for layer in ["0", "a", "w", "r", "d", "?"] {
        back(&mut pty);
        for keys in [layer, "\r"] {
            pty.send(keys.as_bytes());
            look(&mut pty, &format!("{layer} {keys:?}"));
        }
    }
    back(&mut pty);
    assert!(seen.matches("[redacted:").count() > 20, "{seen}");
    ground.canaries.assert_kept("what was sent to the terminal", &pty.bytes);
    let copied = clipboard(&pty.bytes);
    assert!(!copied.is_empty(), "nothing was copied");
    for clip in copied {
        ground.canaries.assert_kept("the clipboard", &clip);
    }
    pty.send(b"\x03");
    pty.until_exit();
    let saved = ground.files("state");
    assert!(saved.iter().any(|(name, _, _)| name.ends_with(".svg")), "no screen was saved");
    for (name, mode, bytes) in saved {
        ground.canaries.assert_kept(&name, &bytes);
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn a_repair_leaves_secrets_in_its_copy_of_the_file_only_and_the_file_as_it_was_but_for_the_change()
{
    let ground = match ground() {
        Ok(ground) => ground,
        Err(why) => skip!("{why}"),
    };
    let output =
        ground.run(&["--watch-secs", "1", "fix", "--yes", "--cause", "unix-socket-path-mismatch"]);
    let said = [output.stdout, output.stderr].concat();
    ground.canaries.assert_kept("what the repair said", &said);
    let said = String::from_utf8_lossy(&said).into_owned();
    let (before, after) = (
        fs::read_to_string(ground.world.path("nginx.conf")).unwrap(),
        fs::read_to_string(ground.world.path("after.conf")).unwrap(),
    );
    assert_eq!(after, before.replace("/run/shop/old.sock", "/run/shop/new.sock"), "{said}");
    let files = ground.files("state");
    let of = |part: &str| files.iter().filter(|(name, _, _)| name.contains(part)).count();
    assert!(of("audit.jsonl") == 1 && of("captures") > 0, "{files:?}");
    let mut copies = 0;
    for (name, mode, bytes) in &files {
        assert!(mode & 0o077 == 0 || name.ends_with(".lock"), "{name}: {mode:o}");
        // The one exception: what an undo puts back must be what was there.
        if bytes == before.as_bytes() {
            copies += 1;
            continue;
        }
        ground.canaries.assert_kept(name, bytes);
    }
    assert!(copies >= 1, "no copy of the file");
    // What it leaves for later: its recording, and the incident among those of this host.
    let state = ground.world.path("state").display().to_string();
    ground
        .canaries
        .assert_kept("the recording", &exported(&ground, &["--state", &state], "latest"));
    for words in [&["history"][..], &["history", "-o", "json"], &["record", "--list"], &["audit"]] {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["--state", &state]).args(words).output().unwrap();
        assert!(!output.stdout.is_empty(), "{words:?}: {output:?}");
        ground
            .canaries
            .assert_kept(&format!("{words:?}"), &[output.stdout, output.stderr].concat());
    }
}

#[test]
fn the_last_words_of_a_crash_hold_no_secret() {
    let mut canaries = Canaries::default();
    let lines = lines::planted(&mut canaries);
    // A panic quotes what it choked on, as `expect` does with the text of an error.
    const CHILD: &str = "GATEMEDIC_TEST_LAST_WORDS";
    if let Ok(line) = std::env::var(CHILD) {
        gatemedic::host::failure::tell_and_end(|| {});
        panic!("failed to read {line}");
    }
    let own = std::env::current_exe().unwrap();
    for line in lines.iter().step_by(9) {
        let mut command = Command::new(&own);
        command.args(["--exact", "the_last_words_of_a_crash_hold_no_secret", "--nocapture"]);
        let output = command.env(CHILD, line).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        canaries.assert_kept(line, &said);
    }
}

#[test]
fn credentials_among_our_own_words_are_refused_and_not_repeated() {
    let mut canaries = Canaries::default();
    let url = canaries.plain("http://u:{}@127.0.0.1:1/");
    for verb in [&["diagnose", "--url", &url][..], &["diagnose", &url], &[&url], &["fix", &url]] {
        let output = Command::new(PROGRAM).args(verb).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{verb:?}");
        canaries.assert_kept(&format!("{verb:?}"), &[output.stdout, output.stderr].concat());
    }
}

#[test]
fn there_is_no_way_to_show_what_is_redacted() {
    let verbs: [&[&str]; 8] = [
        &[],
        &["diagnose"],
        &["doctor"],
        &["fix", "--dry-run"],
        &["triage"],
        &["kiosk"],
        &["audit"],
        &["explain", "--list"],
    ];
    for verb in verbs {
        let mut command = Command::new(PROGRAM);
        let output = command.args(verb).arg("--no-redact").stdin(Stdio::null()).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{verb:?}");
    }
    // On a terminal as well.
    let mut pty = pty::Pty::start(PROGRAM, &["--no-redact"]);
    assert_eq!(pty.until_exit(), 64);
}

#[test]
fn the_same_secret_can_be_followed_within_a_run_and_not_into_the_next() {
    let ground = match ground() {
        Ok(ground) => ground,
        Err(why) => skip!("{why}"),
    };
    let tag = || {
        let output = ground.run(&["diagnose", "-o", "json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tags: Vec<String> =
            text.split("[redacted:").skip(1).map(|rest| rest[..8].to_owned()).collect();
        assert!(!tags.is_empty(), "{text}");
        tags
    };
    let (first, second) = (tag(), tag());
    assert!(first.iter().all(|tag| !second.contains(tag)), "{first:?} {second:?}");
}
