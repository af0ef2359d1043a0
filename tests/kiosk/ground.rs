//! A kiosk held by a test, and what the kernel knows about its processes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::pty::Pty;

pub(crate) const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");
pub(crate) const STRACE: &str = "/usr/bin/strace";
/// No engine is asked: the host's containers are no part of these tests.
pub(crate) const QUIET: [&str; 3] = ["kiosk", "--docker-socket", "/nonexistent/docker.sock"];

/// Why a kiosk that holds its whole lock cannot be had here, if so.
pub(crate) fn hindrance() -> Option<&'static str> {
    if !geteuid().is_root() {
        return Some("only root can become another user");
    }
    if gatemedic_is_partly_locked() {
        return Some("this kernel, or this container, lacks a part of the lock");
    }
    None
}

/// Tried with the program itself, once: it prints what holds.
fn gatemedic_is_partly_locked() -> bool {
    use std::sync::LazyLock;
    static PARTLY: LazyLock<bool> = LazyLock::new(|| {
        let mut pty = Pty::start(GATEMEDIC, &[&QUIET[..], &["--no-keys"]].concat());
        pty.until_frame();
        let said = said(&pty);
        ["Landlock", "seccomp"].iter().any(|part| said.contains(&format!("FAIL {part}:")))
    });
    *PARTLY
}

/// What a process printed before it took the screen.
pub(crate) fn said(pty: &Pty) -> String {
    let text = String::from_utf8_lossy(&pty.bytes).into_owned();
    text.split("\x1b[?1049h").next().unwrap_or_default().to_owned()
}

pub(crate) fn kiosk(more: &[&str]) -> Pty {
    let mut pty = Pty::start(GATEMEDIC, &[&QUIET[..], more].concat());
    pty.until_frame();
    pty
}

pub(crate) fn shows(pty: &Pty, words: &str) -> bool {
    pty.screen.screen().contents().contains(words)
}

/// Whether a whole frame is there: its last line says how the screen is locked.
pub(crate) fn is_drawn(pty: &Pty) -> bool {
    shows(pty, "locked") || shows(pty, "UI-only lock")
}

/// The broker of a kiosk, as long as it lives.
pub(crate) fn broker_of(screen: Pid) -> Option<Pid> {
    let id = screen.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    let first = children.split_whitespace().next()?.parse().ok()?;
    Pid::from_raw(first)
}

/// A file of `/proc/PID`.
pub(crate) fn proc_file(pid: Pid, name: &str) -> String {
    let path = format!("/proc/{}/{name}", pid.as_raw_nonzero());
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A field of each thread's status.
pub(crate) fn of_each_thread(pid: Pid, field: &str) -> Vec<String> {
    let tasks = format!("/proc/{}/task", pid.as_raw_nonzero());
    fs::read_dir(tasks)
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok())
        .map(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.unwrap_or_else(|| panic!("no {field}")).trim().to_owned()
        })
        .collect()
}

/// What each descriptor of a process is.
pub(crate) fn descriptors(pid: Pid) -> Vec<PathBuf> {
    let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
    let entries = fs::read_dir(folder).unwrap();
    entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect()
}

pub(crate) fn end(pid: Pid, signal: Signal) {
    kill_process(pid, signal).unwrap();
}

/// Lines of strace's file, or `None` where strace cannot trace.
pub(crate) fn traced(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.contains("openat").then_some(text)
}
