//! One process, held so that its number cannot become another's (`pidfd_open(2)`).

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::proc;
use crate::observation::Text;

/// The signals that are ever sent to a process that is not our own child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// SIGHUP: read your configuration again.
    Reload,
    /// SIGTERM: end.
    End,
}

/// A process that is held. What is read of it afterwards belongs to it as long as
/// [`Held::is_alive`] says so afterwards.
#[derive(Debug)]
pub struct Held {
    fd: OwnedFd,
    pid: u32,
}

/// What tells a process from another with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Start in ticks since boot.
    pub start_ticks: u64,
    /// Short name.
    pub name: Text,
    /// Program file, when it may be read.
    pub exe: Option<Text>,
    /// Command line.
    pub command: Text,
    /// Control group path.
    pub cgroup: Text,
    /// Parent.
    pub parent: u32,
}

impl Held {
    /// Holds a process.
    ///
    /// # Errors
    /// `ESRCH` when there is none, `ENOSYS` before Linux 5.3.
    pub fn open(pid: u32) -> io::Result<Self> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or(rustix::io::Errno::SRCH)?;
        Ok(Self { fd: pidfd_open(number, PidfdFlags::empty())?, pid })
    }

    /// Its number.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        matches!(self.wait(Duration::ZERO), Ok(false))
    }

    /// Who it is; `None` when it has ended meanwhile.
    pub fn identity(&self) -> Option<Identity> {
        let stat = proc::stat(self.pid).ok()?;
        let identity = Identity {
            start_ticks: stat.start_ticks,
            name: stat.name,
            exe: proc::exe(self.pid),
            command: proc::command(self.pid).unwrap_or_default(),
            cgroup: proc::cgroup(self.pid).unwrap_or_default(),
            parent: stat.parent,
        };
        // Only a process that still lives after the reading is the one that was read.
        self.is_alive().then_some(identity)
    }

    /// Sends the signal to this process and no other.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM` when we may not.
    pub fn ask(&self, what: Ask) -> io::Result<()> {
        let signal = match what {
            Ask::Reload => Signal::HUP,
            Ask::End => Signal::TERM,
        };
        Ok(pidfd_send_signal(&self.fd, signal)?)
    }

    /// Kills it (SIGKILL). For processes of practice alone: no plan has a word for it.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM` when we may not.
    pub fn kill(&self) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.fd, Signal::KILL)?)
    }

    /// Waits until it has ended, at most `limit`; whether it has.
    ///
    /// # Errors
    /// What poll(2) says.
    pub fn wait(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let mut ready = [PollFd::new(&self.fd, PollFlags::IN)];
        loop {
            match poll(&mut ready, Some(&limit)) {
                Err(rustix::io::Errno::INTR) => {}
                done => return Ok(done? > 0),
            }
        }
    }
}

/// The pid namespace of a process (`pid_namespaces(7)`), `None` when it may not be looked at.
pub fn namespace(pid: &str) -> Option<String> {
    let link = rustix::fs::readlink(format!("/proc/{pid}/ns/pid"), Vec::new()).ok()?;
    link.into_string().ok()
}

/// This process and all its ancestors, nearest first; process 1 is always among them.
pub fn ancestors() -> Vec<u32> {
    let mut all = vec![1, std::process::id()];
    let mut pid = std::process::id();
    // Deeper than any real chain.
    for _ in 0..256 {
        match proc::stat(pid) {
            Ok(stat) if stat.parent > 1 => {
                pid = stat.parent;
                all.push(pid);
            }
            _ => break,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_has_ended_is_never_signalled() {
        let mut child = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        let held = Held::open(child.id()).unwrap();
        assert!(held.is_alive() && held.identity().unwrap().name.raw() == "sleep");
        held.ask(Ask::End).unwrap();
        assert!(held.wait(Duration::from_secs(20)).unwrap());
        child.wait().unwrap();
        assert_eq!(held.ask(Ask::End).unwrap_err().raw_os_error(), Some(3));
        assert_eq!(held.identity(), None);
    }

    #[test]
    fn our_parents_are_our_ancestors_and_so_is_the_first_process() {
        let all = ancestors();
        let parent = proc::stat(std::process::id()).unwrap().parent;
        assert!(all.contains(&parent) && all.contains(&1) && all.contains(&std::process::id()));
        assert_eq!(namespace("self"), namespace(&std::process::id().to_string()));
    }
}
