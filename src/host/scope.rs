//! What a process that looks may see and touch when it stands on top of a practice world: that world,
//! and nothing else of the machine, whoever runs it.

use std::path::{Path, PathBuf};

use super::proc;

/// Ancestors of a process that are looked at.
const ANCESTORS: usize = 32;

/// A practice world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its folder.
    pub folder: PathBuf,
    /// Pid of its custodian, from which all its processes descend.
    pub custodian: u32,
}

impl Scope {
    /// Whether a process belongs to it.
    pub fn has_process(&self, pid: u32) -> bool {
        let mut next = pid;
        for _ in 0..ANCESTORS {
            if next == self.custodian {
                return true;
            }
            match proc::stat(next) {
                Ok(stat) if stat.parent > 1 => next = stat.parent,
                _ => return false,
            }
        }
        false
    }

    /// Whether a path lies in it, also when links in it are followed. Of a file that is not there yet
    /// the folder counts.
    pub fn has_path(&self, path: &Path) -> bool {
        let plain = !path.components().any(|part| part == std::path::Component::ParentDir);
        plain && path.starts_with(&self.folder) && self.leads_inside(path)
    }

    fn leads_inside(&self, path: &Path) -> bool {
        let first = path.ancestors().find(|path| rustix::fs::lstat(*path).is_ok());
        // A link to nothing is there, and leads anywhere.
        first.and_then(|path| path.canonicalize().ok()).is_some_and(|r| r.starts_with(&self.folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_belong_to_it_and_nobody_else() {
        let own = std::process::id();
        let scope = Scope { folder: "/w".into(), custodian: own };
        let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        assert!(scope.has_process(own) && scope.has_process(child.id()));
        assert!(!scope.has_process(1));
        let other = Scope { custodian: child.id(), ..scope };
        assert!(!other.has_process(own));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_path_that_leads_out_is_not_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap();
        let scope = Scope { folder: folder.clone(), custodian: 1 };
        std::fs::write(folder.join("own"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
        std::os::unix::fs::symlink("/etc/none-yet", folder.join("nowhere")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.join("out")).unwrap();
        for path in ["own", "new", "new/below"] {
            assert!(scope.has_path(&folder.join(path)), "{path}");
        }
        for path in ["link", "nowhere", "nowhere/x", "out/none-yet", "../x", "own/../../x"] {
            assert!(!scope.has_path(&folder.join(path)), "{path}");
        }
        assert!(!scope.has_path(Path::new("/etc/passwd")));
    }
}
