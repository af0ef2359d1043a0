//! New contents, laid over the files that they are to replace.

use std::path::PathBuf;

use rustix::{
    fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid},
    mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree},
};

use super::{TrialError, scene::Scene};

/// A new content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The file, by a path without links, as the daemon sees it.
    pub path: PathBuf,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Candidate {
    /// Lays it over its file; links and other names of that file lead to it too.
    pub(super) fn lay(&self, number: usize, scene: &Scene) -> Result<(), TrialError> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let target = rustix::fs::openat2(&scene.root, &self.path, flags, Mode::empty(), inside)?;
        let stat = rustix::fs::fstat(&target)?;
        let own = scene.folder().join(number.to_string());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(&own, flags, Mode::RUSR | Mode::WUSR)?;
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() {
            let written = rustix::io::write(&file, rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(CWD, &own, clone)?;
        let empty =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        Ok(move_mount(&tree, "", &target, "", empty)?)
    }
}
