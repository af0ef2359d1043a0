//! What a world leaves behind: processes, its folder, ports.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::pty::Pty;

/// A world that ran below a terminal: who was in it, and where.
pub struct Traces {
    processes: BTreeMap<i32, OwnedFd>,
    folder: PathBuf,
    /// When it was made: the next world of the same console may have its name and its inode.
    made: SystemTime,
}

impl Traces {
    /// Of the world that the program in this terminal has made.
    pub fn of(pty: &Pty) -> Self {
        let mut processes = BTreeMap::new();
        let mut folder = None;
        for pid in below(pty.pid().as_raw_nonzero().get()) {
            let Ok(exe) = fs::read_link(format!("/proc/{pid}/exe")) else { continue };
            let Some(own) = exe.ancestors().find(|path| is_world(path)) else { continue };
            folder = Some(own.to_owned());
            let fd = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            processes.extend(fd.map(|fd| (pid, fd)));
        }
        let folder = folder.expect("a world runs below the console");
        assert!(processes.len() >= 3, "gateway, clients, custodian: {processes:?}");
        let made = fs::metadata(&folder).unwrap().created().unwrap();
        Self { processes, folder, made }
    }

    /// Waits until nothing of it is left.
    pub fn are_gone(self) {
        for (pid, fd) in &self.processes {
            let mut fds = [PollFd::new(fd, PollFlags::IN)];
            let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
            let ended = poll(&mut fds, Some(&limit)).unwrap() > 0;
            assert!(ended, "process {pid} is left of {}", self.folder.display());
        }
        // The one who removes the folder is among them.
        let now = fs::metadata(&self.folder).and_then(|now| now.created());
        let left = now.is_ok_and(|made| made == self.made);
        assert!(!left, "{} is left", self.folder.display());
    }
}

fn is_world(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("gatemedic-practice-"))
}

/// The processes below one, at any depth.
fn below(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|c| c.parse::<i32>().ok());
            open.extend(children);
        }
        found.push(pid);
    }
    found
}
