//! What processes are doing.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    host::{files::Root, proc},
    observation::Text,
};

/// Read of each; `stack` and `wchan` say where in the kernel it waits (proc(5)).
const PARTS: [&str; 5] = ["status", "limits", "cgroup", "wchan", "stack"];
/// Longest part.
const LIMIT: u64 = 16 * 1024;
/// Most threads of a process whose stacks are read.
const THREADS: usize = 16;

pub(super) fn read(pids: &BTreeSet<u32>) -> Vec<(String, Vec<u8>)> {
    pids.iter().filter_map(|pid| Some((format!("process-{pid}.txt"), one(*pid)?))).collect()
}

fn one(pid: u32) -> Option<Vec<u8>> {
    let root = Root::default();
    proc::stat(pid).ok()?;
    let mut text = String::new();
    let command = proc::command(pid).unwrap_or_default();
    let exe = proc::exe(pid).unwrap_or_default();
    let _ = writeln!(text, "command: {}\nexe: {}", command.raw(), exe.raw());
    for part in PARTS {
        let read = root.read_text(format!("/proc/{pid}/{part}"), LIMIT);
        let read = read.unwrap_or_else(|error| error.to_string());
        let _ = writeln!(text, "== {part}\n{}", read.trim_end());
    }
    let tasks = root.list(format!("/proc/{pid}/task"), THREADS).unwrap_or_default().0;
    for task in tasks.iter().filter(|task| **task != pid.to_string()) {
        let path = format!("/proc/{pid}/task/{task}/stack");
        let read = root.read_text(path, LIMIT).unwrap_or_else(|error| error.to_string());
        let _ = writeln!(text, "== stack of thread {task}\n{}", read.trim_end());
    }
    Some(Text::new(text).raw().to_owned().into_bytes())
}
