//! Takes a thread to where another process lives: its namespaces, its root, its rights.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{Gid, Mode, OFlags, Uid},
    io::Errno,
    thread::{
        CapabilitySet, CapabilitySets, LinkNameSpaceType, move_into_link_name_space,
        remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities,
        set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};

use super::TrialError;
use crate::host::{
    files::Root,
    proc::{self, Status},
};

/// Bytes read of a list of mounts.
const LIST_BYTES: u64 = 4 << 20;

/// Namespaces that are entered where they differ from ours; the mounts come last, for `/proc` is
/// then another one.
const KINDS: [(&str, LinkNameSpaceType); 5] = [
    ("net", LinkNameSpaceType::Network),
    ("uts", LinkNameSpaceType::HostNameAndNISDomainName),
    ("ipc", LinkNameSpaceType::InterProcessCommunication),
    ("pid", LinkNameSpaceType::ProcessID),
    ("mnt", LinkNameSpaceType::Mount),
];

/// A process, opened from outside before its world is entered.
pub(super) struct World {
    spaces: Vec<(OwnedFd, LinkNameSpaceType)>,
    root: Option<OwnedFd>,
    status: Option<Status>,
    /// Its list of mounts.
    pub(super) mounts: String,
}

impl World {
    /// Our own.
    pub(super) fn own() -> Result<Self, TrialError> {
        let mounts = read_mounts("/proc/thread-self/mountinfo")?;
        Ok(Self { spaces: Vec::new(), root: None, status: None, mounts })
    }

    /// That of a process, which must still be the one that started then (ticks since boot).
    pub(super) fn of(pid: u32, start_ticks: u64) -> Result<Self, TrialError> {
        let link = |name: &str| format!("/proc/{pid}/ns/{name}");
        if differs(&link("user"), "user")? {
            return Err(TrialError::Unsupported(
                "it lives in a user namespace of its own".to_owned(),
            ));
        }
        let mut spaces = Vec::new();
        for (name, kind) in KINDS {
            if differs(&link(name), name)? {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                spaces.push((rustix::fs::open(link(name), flags, Mode::empty())?, kind));
            }
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
        let status = proc::status(pid).map_err(|_| TrialError::Gone)?;
        let mounts = read_mounts(&format!("/proc/{pid}/mountinfo"))?;
        if proc::stat(pid).map_err(|_| TrialError::Gone)?.start_ticks != start_ticks {
            return Err(TrialError::Gone);
        }
        Ok(Self { spaces, root: Some(root), status: Some(status), mounts })
    }

    /// Enters its namespaces and its root.
    pub(super) fn enter(&self) -> Result<(), TrialError> {
        for (space, kind) in &self.spaces {
            move_into_link_name_space(space.as_fd(), Some(*kind))?;
        }
        if let Some(root) = &self.root {
            rustix::process::fchdir(root)?;
            rustix::process::chroot(".")?;
        }
        Ok(())
    }

    /// Gives up what the process does not have: its program is not trusted with more than it has.
    pub(super) fn lower(&self) -> Result<(), TrialError> {
        let Some(status) = &self.status else { return Ok(()) };
        let allowed = CapabilitySet::from_bits_retain(status.capabilities);
        for bit in 0..64 {
            let one = CapabilitySet::from_bits_retain(1 << bit);
            if allowed.contains(one) {
                continue;
            }
            match remove_capability_from_bounding_set(one) {
                Ok(()) => {}
                // The kernel knows no more of them.
                Err(Errno::INVAL) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if status.uid != 0 {
            set_keep_capabilities(true)?;
            let gids: Vec<Gid> = status.gids.iter().map(|gid| Gid::from_raw(*gid)).collect();
            set_thread_groups(&gids)?;
            let gid = gids.first().copied().unwrap_or(Gid::from_raw(u32::MAX - 1));
            set_thread_res_gid(gid, gid, gid)?;
            let uid = Uid::from_raw(status.uid);
            set_thread_res_uid(uid, uid, uid)?;
        }
        let none = CapabilitySet::empty();
        set_capabilities(
            None,
            CapabilitySets { effective: allowed, permitted: allowed, inheritable: none },
        )?;
        Ok(set_no_new_privs(true)?)
    }
}

/// Whether a namespace is not ours.
fn differs(theirs: &str, name: &str) -> Result<bool, TrialError> {
    let read = |path: &str| rustix::fs::readlink(path, Vec::new());
    Ok(read(theirs)? != read(&format!("/proc/thread-self/ns/{name}"))?)
}

fn read_mounts(path: &str) -> Result<String, TrialError> {
    Root::default()
        .read_text(path, LIST_BYTES)
        .map_err(|error| TrialError::Io(io::Error::other(error.to_string())))
}
