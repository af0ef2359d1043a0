//! The console on a recording, by keys.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
};

use super::{GATEMEDIC, Pty, Tape, headless, oracle, said, tapes, text};

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 15)];

fn until(pty: &mut Pty, words: &str) {
    pty.until(words, |pty| text(pty).contains(words));
}

fn leave(mut pty: Pty) {
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    oracle::assert_ours(&pty.bytes, oracle::Stream::Session);
}

/// Where one stands, as the axis says.
fn place(pty: &Pty) -> String {
    let text = text(pty);
    let line = text.lines().find(|line| line.contains(" of 2 min")).unwrap_or_default();
    line.split(" of 2 min").next().unwrap().split("×1").last().unwrap().trim().to_owned()
}

/// Sends keys and waits until one stands elsewhere.
fn moved(pty: &mut Pty, keys: &[u8]) -> String {
    let before = place(pty);
    pty.send(keys);
    pty.until("another place", |pty| place(pty) != before && !place(pty).is_empty());
    place(pty)
}

#[test]
fn it_is_played_paused_stepped_through_and_played_faster() {
    let tape = Tape::of(&tapes::repaired());
    let mut pty = tape.shown((120, 40), &["--at", "start"]);
    until(&mut pty, "‖ paused ×1  0.0 s of 2 min");
    pty.send(b">");
    until(&mut pty, "paused ×2");
    pty.send(b"<<");
    until(&mut pty, "paused ×½");
    pty.send(b">");
    until(&mut pty, "paused ×1 ");
    let first = moved(&mut pty, b"]");
    let second = moved(&mut pty, b"]");
    assert_ne!(first, second);
    assert_eq!(moved(&mut pty, b"["), first);
    assert_eq!(moved(&mut pty, b"^"), "0.0 s");
    assert_eq!(moved(&mut pty, b"\x1b[C"), "10 s");
    assert_eq!(moved(&mut pty, b"\x1b[D"), "0.0 s");
    assert_eq!(moved(&mut pty, b"$"), "2 min");
    until(&mut pty, "03:32:54 UTC");
    moved(&mut pty, b"{");
    moved(&mut pty, b"^");
    pty.send(b" ");
    until(&mut pty, "▶ playing ×1");
    pty.send(b" ");
    until(&mut pty, "‖ paused ×1");
    pty.send(b">>>>>>>>>> ");
    // At a hundred times the speed the end comes at once, and it stands still there.
    until(&mut pty, "the recording ends here");
    until(&mut pty, "‖ paused ×100");
    leave(pty);
}

#[test]
fn it_plays_by_itself_when_nobody_says_where_to_begin() {
    let tape = Tape::of(&tapes::repaired());
    let mut pty = tape.shown((120, 40), &["--speed", "50"]);
    until(&mut pty, "▶ playing ×50");
    until(&mut pty, "FAILING");
    until(&mut pty, "the recording ends here");
    leave(pty);
}

#[test]
fn keys_lead_to_the_same_diagnosis_as_the_command_line() {
    let tape = Tape::of(&tapes::repaired());
    let mut pty = tape.shown((120, 40), &["--at", "start"]);
    until(&mut pty, "‖ paused");
    pty.send(b"F");
    until(&mut pty, "✗ FAILING");
    let first = headless(&tape.path(), &["--at", "first-failure", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((first.status.code(), &told["status"]), (Some(2), &"failing".into()));
    let clock = told["replay"]["at"].as_str().unwrap()[11..19].to_owned();
    until(&mut pty, &clock);
    for (typed, clock) in [("03:31:45", "03:31:45 UTC"), ("03:32:40", "03:32:40 UTC")] {
        pty.send(b"t");
        until(&mut pty, "10 min ago");
        pty.send(typed.as_bytes());
        pty.send(b"\r");
        until(&mut pty, clock);
        let there = headless(&tape.path(), &["--at", typed, "-o", "json"]);
        let told: serde_json::Value = serde_json::from_slice(&there.stdout).unwrap();
        assert_eq!(told["as_of"].as_str().unwrap()[11..19], *typed);
        let status = told["status"].as_str().unwrap().to_uppercase();
        let screen = text(&pty);
        assert!(screen.contains(&status), "{status}\n{screen}");
        if let Some(summary) = told["findings"][0]["summary"].as_str() {
            let begin: String = summary.chars().take(60).collect();
            assert!(screen.contains(&begin), "{begin}\n{screen}");
        }
    }
    leave(pty);
}

/// Panics where the first row does not say REPLAY at any moment between two steps of drawing, but for
/// those between a cleared screen and its first row.
fn assert_marked(bytes: &[u8], (columns, rows): (u16, u16)) {
    let size = |n: u16| std::num::NonZero::new(n).unwrap();
    let mut screen = vt100::Parser::new(size(rows), size(columns), 0);
    let (mut cleared, mut moments) = (true, 0);
    let mut rest = bytes;
    while !rest.is_empty() {
        let next = rest.iter().skip(1).position(|byte| *byte == 0x1b);
        let (step, after) = rest.split_at(next.map_or(rest.len(), |at| at + 1));
        rest = after;
        screen.process(step);
        if !screen.screen().alternate_screen() {
            cleared = true;
            continue;
        }
        cleared |= step.starts_with(b"\x1b[2J");
        let first = screen.screen().rows(0, columns).next().unwrap_or_default();
        if first.contains("REPLAY") {
            (cleared, moments) = (false, moments + 1);
        }
        assert!(cleared || first.contains("REPLAY"), "{}", screen.screen().contents());
    }
    assert!(moments > 100, "{moments}");
}

/// Has it drawn anew, in another width: keys that come together are drawn together.
fn redrawn(pty: &mut Pty, (columns, rows): (u16, u16)) {
    let (_, now) = pty.screen.screen().size();
    let other = if u16::from(now) == columns { columns - 1 } else { columns };
    pty.resize(other, rows);
    // Who looks stands at the right edge of the second row, before one space.
    pty.until("a frame of that width", |pty| {
        let second = pty.screen.screen().rows(0, other).nth(1).unwrap_or_default();
        second.trim_end().chars().count() == usize::from(other) - 1
    });
}

#[test]
fn every_frame_of_every_view_and_dialog_says_that_it_is_a_recording() {
    let tape = Tape::of(&tapes::repaired());
    for size in SIZES {
        let mut seen = std::collections::BTreeSet::new();
        let mut pty = tape.shown(size, &["--at", "end"]);
        until(&mut pty, "paused");
        // A view covers what is open; Esc would need a pause behind it.
        for keys in [
            "1\r",
            "2\r",
            "3",
            "\r",
            "4\r",
            "4/x\r",
            "5\r",
            "6",
            "7\r",
            "8",
            "\r",
            "sno reason\r",
            "9",
            "0",
            "?",
            "q",
            "1z",
            "z",
            "t03:30:20\r",
            "3a",
            "r",
            "d",
            "u",
            "y",
            "[",
            "{",
            "^",
            "F",
            " ",
            " ",
            ":wiz\r",
            "9",
        ] {
            pty.send(keys.as_bytes());
            redrawn(&mut pty, size);
            seen.insert(text(&pty));
        }
        until(&mut pty, "What was done by then");
        pty.resize(30, 6);
        until(&mut pty, "too small");
        pty.send(b"q");
        pty.send(b"\x03");
        assert_eq!(pty.until_exit(), 0);
        assert_marked(&pty.bytes, size);
        // A size may be told before the key that was sent before it: then two are drawn together.
        assert!(seen.len() > 12, "{}", seen.len());
    }
}

#[test]
fn what_was_done_is_told_as_recorded_and_nothing_that_acts_is_offered() {
    let tape = Tape::of(&tapes::repaired());
    let mut pty = tape.shown((120, 40), &["--at", "end"]);
    until(&mut pty, "paused");
    pty.send(b"9");
    until(&mut pty, "raise the memory limit of app.service");
    let audit = text(&pty);
    assert!(audit.contains("recorded: ended: fixed, by what was seen then"), "{audit}");
    assert!(!audit.contains("the chain of"), "{audit}");
    pty.send(b"q?");
    until(&mut pty, "The time of the recording");
    let help = text(&pty);
    for acting in
        ["take the last repair back", "everything that can be done", "dry run", "save the screen"]
    {
        assert!(!help.contains(acting), "{help}");
    }
    leave(pty);
}

#[test]
fn a_growing_recording_is_gone_along_with_and_half_a_frame_is_waited_for() {
    let frames = tapes::framed(&tapes::repaired());
    let (begin, rest) = frames.split_at(frames.len() / 3);
    let tape = Tape::bytes(&begin.concat());
    let mut pty = tape.shown((120, 40), &["--follow"]);
    until(&mut pty, "still recorded");
    let mut file = OpenOptions::new().append(true).open(tape.path()).unwrap();
    let whole = rest.concat();
    let (half, end) = whole.split_at(whole.len() - 11);
    file.write_all(half).unwrap();
    pty.send(b"$");
    until(&mut pty, "✗ FAILING");
    assert!(!text(&pty).contains("lost") && !text(&pty).contains("breaks off"), "{}", text(&pty));
    pty.send(b"9");
    until(&mut pty, "fixed, by what was seen then");
    pty.send(b"1");
    file.write_all(end).unwrap();
    // The last thing that was seen came a minute after what was done.
    let last = tapes::repaired().last().unwrap().at().wall;
    let clock = last.clock(&jiff::tz::TimeZone::UTC);
    pty.send(b"$");
    until(&mut pty, &clock);
    leave(pty);
}

#[test]
fn a_session_is_gone_along_with_into_the_parts_that_it_begins_later() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("recordings");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let part = |n: u32| folder.join(format!("20261121T033016Z-9-{n:03}.gmr"));
    let all = tapes::repaired();
    let (first, rest) = all.split_at(all.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    fs::write(part(0), tapes::framed(first).concat()).unwrap();
    let words = ["--state", state.path().to_str().unwrap(), "replay", "latest", "--follow"];
    let mut pty = Pty::start_sized(GATEMEDIC, &words, (120, 40), &[("TZ", "UTC")]);
    pty.until_frame();
    until(&mut pty, "still recorded");
    for (n, entries) in [(1, second), (2, third)] {
        fs::write(part(n), tapes::framed(entries).concat()).unwrap();
        pty.send(b"$");
        let clock = entries.last().unwrap().at().wall.clock(&jiff::tz::TimeZone::UTC);
        until(&mut pty, &clock);
    }
    until(&mut pty, "✗ FAILING");
    assert!(!text(&pty).contains("lost") && !text(&pty).contains("breaks off"), "{}", text(&pty));
    leave(pty);
}

#[test]
fn damage_is_told_on_the_screen_and_in_reports() {
    let mut bytes = tapes::framed(&tapes::repaired()).concat();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    bytes.truncate(bytes.len() - 5);
    let tape = Tape::bytes(&bytes);
    let mut pty = tape.shown((120, 40), &["--at", "end"]);
    until(&mut pty, "lost");
    pty.send(b"0G");
    until(&mut pty, "breaks off within its last record");
    leave(pty);
    let (report, _) = said(&headless(&tape.path(), &["-o", "text"]));
    assert!(report.contains("The recording is not whole"), "{report}");
    let (json, _) = said(&headless(&tape.path(), &["-o", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["replay"]["records_lost"].as_u64().unwrap() >= 1, "{}", json["replay"]);
}

#[test]
fn it_opens_no_socket_starts_nothing_and_writes_nowhere_but_to_its_terminal() {
    if !std::path::Path::new("/usr/bin/strace").exists() {
        eprintln!("skipped: there is no /usr/bin/strace");
        return;
    }
    let tape = Tape::of(&tapes::repaired());
    let trace = tape.folder.path().join("trace");
    let (file, name) = (trace.display().to_string(), tape.name());
    let calls = "trace=%network,execve,fork,vfork,open,openat,openat2,creat,unlink,unlinkat,rename,renameat,\
                 renameat2,mkdir,mkdirat,kill,tgkill,pidfd_open,pidfd_send_signal,ptrace,mount";
    let words = ["-f", "-qq", "-s", "200", "-e", calls, "-e", "signal=none", "-o", &file];
    let words = [&words[..], &[GATEMEDIC, "replay", &name, "--at", "start"]].concat();
    let mut pty = Pty::start("/usr/bin/strace", &words);
    pty.until_frame();
    for keys in [
        "F", "r", "y", "a", "d", "u", "$", "A", "\x1b", "w", "\r", "\r", "\x1b", "5", "9", " ",
        "\x13",
    ] {
        pty.send(keys.as_bytes());
        pty.read_what_is_there();
    }
    pty.send(b"\x03");
    pty.until_exit();
    let text = std::fs::read_to_string(&trace).unwrap();
    if !text.contains("openat") {
        eprintln!("skipped: strace cannot trace here");
        return;
    }
    let writes = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"];
    let wrong = |line: &&str| {
        let call = line.split_once(' ').map_or(*line, |(_, call)| call.trim_start());
        let starts = call.split('(').next().unwrap_or_default();
        match starts {
            "execve" => !call.contains("gatemedic"),
            "open" | "openat" | "openat2" => {
                writes.iter().any(|flag| call.contains(flag))
                    && !["\"/dev/tty\"", "\"/dev/pts/", "\"/dev/null\"", "\"/proc/self/fd/"]
                        .iter()
                        .any(|path| call.contains(path))
            }
            // Two ends within the process lead nowhere else.
            "socketpair" => !call.contains("AF_UNIX"),
            _ => call.contains('(') && !call.starts_with("<..."),
        }
    };
    let wrong: Vec<&str> = text.lines().filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(text.matches("execve(").count(), 1);
}

#[test]
fn hostile_texts_of_a_recording_come_to_the_terminal_as_harmless_as_those_of_a_host() {
    let mut all = tapes::repaired();
    let last = all.len() as u64 * 500 + 61_000;
    for (n, text) in (0_u64..).zip(super::corpus::CORPUS) {
        all.push(tapes::line(last + n, &format!("{text} password=hunter2hunter2")));
        all.push(tapes::deed(last + n, text));
    }
    let tape = Tape::of(&all);
    let mut pty = tape.shown((120, 40), &["--at", "end"]);
    until(&mut pty, "paused");
    for keys in ["4", "g", "G", "\r", "5", "9", "\x06", "\x06", "0", "1{", "}", "$"] {
        pty.send(keys.as_bytes());
        pty.read_what_is_there();
    }
    pty.send(b"9");
    until(&mut pty, "What was done by then");
    assert!(!String::from_utf8_lossy(&pty.bytes).contains("hunter2"));
    leave(pty);
    let report = headless(&tape.path(), &["-o", "text"]);
    assert!(!report.stdout.contains(&0x1b) && !said(&report).0.contains("hunter2"));
}
