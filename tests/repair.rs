//! Repairs of a real nginx, carried out by the real program: what is written, reloaded, proven, taken
//! back, and what happens when whoever ordered it goes away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    reason = "a test may fail loudly, and this one runs the program from outside"
)]

#[path = "repair/stage.rs"]
mod stage;
#[path = "repair/unattended.rs"]
mod unattended;
#[path = "contract/world.rs"]
mod world;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use gatemedic::{
    remedy::{Action, Change, Digest, Ending, Order, Progress},
    verification::Verdict,
};
use stage::{BEFORE, CONFIG, Executor, await_text, stage};
use world::{PROGRAM, World, skip};

fn is_judged(progress: &Progress) -> bool {
    matches!(progress, Progress::Judged { .. })
}

/// An application on a socket beside the one that is configured.
const APPLICATION: &str = include_str!("repair/app.py");

#[test]
fn a_wrong_socket_is_found_written_reloaded_and_proven_by_requests() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    if !Path::new("/usr/bin/python3").exists() {
        skip!("there is no /usr/bin/python3");
    }
    let front = world.front;
    world.config(&format!(
        "server {{ listen 127.0.0.1:{front}; location / {{\n    \
         proxy_pass http://unix:/run/shop/old.sock;\n}} }}"
    ));
    world.write("app.py", APPLICATION);
    // The clients have seen the failure before anybody looks.
    let script = BEFORE.replace(
        "set +e",
        "set +e\nmkdir /run/shop\npython3 \"$D/app.py\" 2>/dev/null &\n\
         while [ ! -S /run/shop/new.sock ]; do :; done\n\
         exec 3<>/dev/tcp/127.0.0.1/$FRONT; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null",
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]);
    command.env("FRONT", front.to_string());
    command.args(["bash", "-c", &script, "bash"]).arg(world.path("")).arg(PROGRAM);
    command.args(["--state", "/run/state", "--watch-secs", "1", "fix", "--yes"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    let file = |name: &str| fs::read_to_string(world.path(name)).unwrap_or_default();
    assert_eq!(file("exit").trim(), "0", "{said}\n{notes}");
    assert!(said.contains("fixed"), "{said}");
    assert!(file("after.conf").contains("http://unix:/run/shop/new.sock;"), "{said}");
    // Nothing is left beside the file that an include could load.
    let names: Vec<String> = file("listing").lines().map(str::to_owned).collect();
    assert_eq!(names, [".", "..", "nginx.conf"]);
    let audit = file("state/audit.jsonl");
    assert_eq!(audit.lines().count(), 2, "{audit}");
    assert!(audit.contains("unix-socket-path-mismatch") && audit.contains("verified"), "{audit}");
    // It is known from now on.
    let verb = |words: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg("--state").arg(world.path("state")).args(words);
        command.env("LANG", "C.UTF-8").stdin(Stdio::null()).output().unwrap()
    };
    let history = verb(&["history", "-o", "json"]);
    let history: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    let incidents = history["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{history}");
    let incident = &incidents[0];
    assert_eq!(incident["cause"], "unix-socket-path-mismatch", "{history}");
    assert_eq!(incident["state"], "closed", "{history}");
    assert_eq!(incident["fixed_by"]["record"], 1, "{history}");
    assert!(incident["fixed_by"]["secs"].is_u64(), "{history}");

    // It recorded itself, and the history leads to what it recorded.
    let list = verb(&["record", "--list", "-o", "json"]);
    let row: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(incident["recording"], row["name"], "{history}");
    assert_eq!((&row["state"], &row["lost"]), (&"ended".into(), &0.into()), "{row}");
    assert_eq!(row["causes"][0], "unix-socket-path-mismatch", "{row}");
    let name = row["name"].as_str().unwrap();
    let number = incident["id"].to_string();
    let told = verb(&["report", "--incident", &number]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    for words in [&*format!("from the recording {name}"), "`unix-socket-path-mismatch`", "new.sock"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let again = verb(&["replay", name, "-o", "json"]);
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(again["replay"].is_object(), "{again}");
    // Without it the host itself is asked, and that is said.
    fs::remove_dir_all(world.path("state/recordings")).unwrap();
    let told = verb(&["report", "--incident", &number, "--deadline", "500ms"]);
    let notes = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success() && notes.contains("not kept any more"), "{told:?}");
    assert!(String::from_utf8_lossy(&told.stdout).contains("unix-socket-path-mismatch"), "{told:?}");
}

#[test]
fn a_repair_that_is_not_recorded_leaves_no_recording_and_one_that_finds_nothing_an_ended_one() {
    let place = tempfile::tempdir().unwrap();
    let fix = |state: &str, more: &[&str]| {
        let words = [&["fix", "--yes", "--cause", "no-such-cause", "--deadline", "500ms"], more];
        let mut command = Command::new(PROGRAM);
        command.arg("--state").arg(place.path().join(state)).args(words.concat());
        let done = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(done.status.code(), Some(3), "{done:?}");
        let mut list = Command::new(PROGRAM);
        list.arg("--state").arg(place.path().join(state)).args(["record", "--list", "-o", "json"]);
        list.output().unwrap().stdout
    };
    let row: serde_json::Value = serde_json::from_slice(&fix("kept", &[])).unwrap();
    assert_eq!((&row["state"], &row["deeds"]), (&"ended".into(), &0.into()), "{row}");
    assert!(fix("none", &["--no-record"]).is_empty());
}

#[test]
fn an_edit_that_the_test_refuses_changes_nothing() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let line = stage.line();
    let change = Change::Replace { line, find: "proxy_pass".into(), put: "proxy_pas".into() };
    let plan = stage.plan(change);
    executor.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
    let (ending, said) = executor.ending();
    assert_eq!(ending, Ending::Refused);
    let why = said.iter().find_map(|p| match p {
        Progress::Refused { why, .. } => Some(why.clone()),
        _ => None,
    });
    let why = why.unwrap();
    assert!(why.contains("proxy_pas") && why.contains(&format!("{CONFIG}:{line}")), "{why}");
    executor.finish();
    assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"));
    assert!(stage.file("state/audit.jsonl").is_empty(), "what is refused is no deed");
}

#[test]
fn a_reload_that_leaves_no_worker_is_taken_back() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    // nginx's own test accepts this, its reload exits 0, and every new worker ends at once.
    let text = stage.file("nginx.conf");
    let content = format!("working_directory /run/nowhere;\n{text}");
    let base = Digest::of(text.as_bytes());
    let plan = stage.plan(Change::Whole { base, content });
    executor.confirm(plan);
    let (ending, said) = executor.ending();
    assert_eq!(ending, Ending::RolledBack, "{said:#?}");
    let verdict = said.iter().find_map(|p| match p {
        Progress::Judged { verdict, .. } => Some(*verdict),
        _ => None,
    });
    assert_eq!(verdict, Some(Verdict::Worse), "{said:#?}");
    // The port is answered by workers again: 502, as before the edit.
    assert_eq!(stage.status(), 502);
    executor.finish();
    assert_eq!(stage.file("after.conf"), text);
    assert!(stage.file("state/audit.jsonl").contains("taken back"));
}

#[test]
fn an_edit_that_works_is_kept_when_somebody_says_so() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.confirm(plan);
    executor.until(|p| matches!(p, Progress::Keeping { .. }));
    executor.order(&Order::Keep);
    let (ending, said) = executor.ending();
    assert_eq!(ending, Ending::Verified, "{said:#?}");
    assert_eq!(stage.status(), 200);
    executor.finish();
}

#[test]
fn an_edit_is_taken_back_when_the_session_dies_before_it_says_keep() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.confirm(plan);
    executor.until(is_judged);
    executor.leave();
    assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"));
}

#[test]
fn nothing_is_done_when_the_session_dies_before_the_yes() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
    executor.until(|p| matches!(p, Progress::Ready { .. }));
    executor.leave();
    assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"));
    assert!(stage.file("state/audit.jsonl").is_empty());
}

#[test]
fn a_yes_to_something_else_is_no_yes() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    let digest = plan.digest();
    executor.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
    let said = executor.until(|p| matches!(p, Progress::Ready { .. }));
    let Some(Progress::Ready { nonce, .. }) = said.last().cloned() else { unreachable!() };
    // The digest of the plan alone: it does not cover the files.
    executor.order(&Order::Confirm { digest, nonce, typed: None });
    assert_eq!(executor.ending().0, Ending::Refused);
    executor.finish();
    assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"));
}

#[test]
fn a_file_that_somebody_edits_before_the_yes_is_left_alone() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
    let said = executor.until(|p| matches!(p, Progress::Ready { .. }));
    let Some(Progress::Ready { digest, nonce, .. }) = said.last().cloned() else { unreachable!() };
    // Through the mount namespace of the executor, as another person on that host would.
    let pid = await_text(&stage.world.path("nginx.pid"));
    let seen = format!("/proc/{}/root{CONFIG}", outer_pid(&executor, pid.trim()));
    let mut file = fs::OpenOptions::new().append(true).open(&seen).unwrap();
    file.write_all(b"# somebody was here\n").unwrap();
    drop(file);
    executor.order(&Order::Confirm { digest, nonce, typed: None });
    let (ending, said) = executor.ending();
    assert_eq!(ending, Ending::Refused, "{said:#?}");
    executor.finish();
    let after = stage.file("after.conf");
    assert!(after.ends_with("# somebody was here\n") && after.contains(&stage.wrong.to_string()));
}

/// The pid of a process of the executor's namespace as this test sees it.
fn outer_pid(executor: &Executor, inner: &str) -> u32 {
    let mut queue = vec![executor.child.id()];
    while let Some(pid) = queue.pop() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let own = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        if own.is_some_and(|pids| pids.split_ascii_whitespace().nth(1) == Some(inner)) {
            return pid;
        }
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        queue.extend(children.split_ascii_whitespace().filter_map(|c| c.parse::<u32>().ok()));
    }
    panic!("no process {inner}");
}

#[test]
fn a_plan_with_a_hostile_name_is_no_plan() {
    let unit = |name: &str| {
        let json = format!(r#"{{"kind":"start-unit","unit":{}}}"#, serde_json::json!(name));
        serde_json::from_str::<Action>(&json)
    };
    assert!(unit("shop.service").is_ok());
    for name in ["*.service", "../x.service", "-x.service", "x", "a b.service", "a\n.service", ""] {
        assert!(unit(name).is_err(), "{name:?}");
    }
    let container = |id: &str| {
        let json = format!(r#"{{"kind":"start-container","container":"{id}","name":"x"}}"#);
        serde_json::from_str::<Action>(&json)
    };
    assert!(container(&"a".repeat(64)).is_ok() && container("abc").is_err());
}
