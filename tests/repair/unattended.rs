//! An executor that is told to end, or whose reader is stopped.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use gatemedic::remedy::{Ending, Order, Progress};
use rustix::process::Signal;

use super::{
    stage::{CONFIG, Executor, stage},
    world::{PROGRAM, skip},
};

/// A process and everything below it.
fn descendants(pid: u32) -> Vec<u32> {
    let (mut queue, mut all) = (vec![pid], Vec::new());
    while let Some(pid) = queue.pop() {
        all.push(pid);
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        queue.extend(children.split_ascii_whitespace().filter_map(|c| c.parse::<u32>().ok()));
    }
    all
}

/// The pid of the program itself, as this test sees it.
fn pid(executor: &Executor) -> u32 {
    let is_it = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(PROGRAM.as_bytes())
    };
    descendants(executor.child.id()).into_iter().find(is_it).unwrap()
}

/// Reads a file as the program sees it.
fn seen(executor: &Executor, path: &str) -> String {
    fs::read_to_string(format!("/proc/{}/root{path}", pid(executor))).unwrap_or_default()
}

/// Goes away and waits for what is left behind, whatever it still says.
fn leave_anyhow(mut executor: Executor) {
    executor.orders = None;
    std::io::copy(&mut executor.said, &mut std::io::sink()).unwrap();
    executor.child.wait().unwrap();
}

#[test]
fn a_signal_after_the_yes_ends_it_by_its_own_rule_and_not_half_done() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let stage = match stage() {
            Ok(stage) => stage,
            Err(why) => skip!("{why}"),
        };
        let mut executor = Executor::start(&stage);
        let plan = stage.plan(stage.right());
        executor.confirm(plan);
        executor.until(|p| matches!(p, Progress::Done { step: 0, .. }));
        let pid = rustix::process::Pid::from_raw(pid(&executor).try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        let (ending, said) = executor.ending();
        assert_eq!(ending, Ending::RolledBack, "{said:#?}");
        executor.finish();
        assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"), "{signal:?}");
        assert!(stage.file("state/audit.jsonl").contains("nobody said keep"), "{signal:?}");
    }
}

#[test]
fn a_signal_before_the_yes_ends_it_and_nothing_is_done() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
    executor.until(|p| matches!(p, Progress::Ready { .. }));
    let pid = rustix::process::Pid::from_raw(pid(&executor).try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(executor.ending().0, Ending::Refused);
    executor.finish();
    assert!(stage.file("state/audit.jsonl").is_empty());
}

#[test]
fn a_reader_that_is_stopped_does_not_keep_an_edit_from_being_taken_back() {
    let stage = match stage() {
        Ok(stage) => stage,
        Err(why) => skip!("{why}"),
    };
    let mut executor = Executor::start(&stage);
    let plan = stage.plan(stage.right());
    executor.confirm(plan);
    executor.until(|p| matches!(p, Progress::Recorded { .. }));
    // The terminal is stopped: as little as possible fits into the pipe, and nobody reads it.
    let full = fs::OpenOptions::new().write(true).open(format!("/proc/{}/fd/1", pid(&executor)));
    let mut full = full.unwrap();
    rustix::fs::fcntl_setfl(&full, rustix::fs::OFlags::NONBLOCK).unwrap();
    while full.write(b"\n").is_ok() {}
    drop(full);
    executor.orders = None;
    await_that(|| seen(&executor, "/run/state/audit.jsonl").lines().count() == 2);
    assert!(seen(&executor, CONFIG).contains(&stage.wrong.to_string()), "it was taken back");
    leave_anyhow(executor);
    assert_eq!(stage.file("after.conf"), stage.file("nginx.conf"));
}

#[test]
fn what_it_holds_in_memory_goes_into_no_core_dump() {
    let mut command = Command::new(PROGRAM);
    command.arg("carry-out").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    await_that(|| {
        let limits = fs::read_to_string(&limits).unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        core.is_some_and(|line| line.split_ascii_whitespace().skip(4).take(2).eq(["0", "0"]))
    });
    drop(child.stdin.take());
    child.wait().unwrap();
}

/// Waits for something that comes soon.
fn await_that(mut came: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if came() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    panic!("it never came");
}
