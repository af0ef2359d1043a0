//! Reading on behalf of a program that has fewer rights than we have: a configuration of an
//! ordinary user must not make us open what that user could not, and no more may a link that an
//! ordinary user laid. What is read is what was judged: both by one descriptor.

use std::{fs::File, io::Read, os::fd::OwnedFd, path::Path};

use rustix::fs::OFlags;

use super::{
    files::{FileError, Root},
    permission::{AccessList, Identity, WRITE},
    trail::Trail,
    walk::walk,
};
use crate::observation::Access;

/// Read (`path_resolution(7)`).
const READ: u16 = 4;

/// Whether `who` may read what stands at a path; also true when nothing stands there.
pub fn may_read(root: &Root, path: &Path, who: &Identity) -> bool {
    may(root, path, who, READ)
}

/// Whether `who` may write what stands at a path; also true when nothing stands there.
pub fn may_write(root: &Root, path: &Path, who: &Identity) -> bool {
    may(root, path, who, WRITE)
}

/// Holds what stands at a path (`O_PATH`), if everybody in `who` may read it. Of whoever laid a link
/// on the way the same is asked, unless that was root, who we are, or whom the tree belongs to.
///
/// # Errors
/// [`FileError`]; [`FileError::Link`] when a link's owner may not read what it leads to.
pub(super) fn pin(root: &Root, path: &Path, who: &[&Identity]) -> Result<OwnedFd, FileError> {
    if who.is_empty() {
        match root.open_plainly(path, OFlags::PATH) {
            // There is a link on the way, or no openat2(2).
            Err(FileError::Io(_)) => {}
            done => return done,
        }
    }
    let trail = Trail::follow(root, path)?;
    if !who.iter().all(|who| trail.may(READ, who)) {
        return Err(FileError::Denied);
    }
    if !trail.owners_may(READ, root) {
        return Err(FileError::Link);
    }
    Ok(trail.end)
}

/// Opens a regular file that `who` may read, and whoever laid a link on the way to it.
///
/// # Errors
/// As [`pin`]; [`FileError::NotAFile`] for anything but a regular file.
pub(super) fn open(root: &Root, path: &Path, who: &[&Identity]) -> Result<File, FileError> {
    Root::open_pinned(&pin(root, path, who)?)
}

/// Reads a whole file of at most `limit` bytes that `who` may read; everybody's for `None`.
///
/// # Errors
/// [`FileError`]; [`FileError::Denied`] when `who` may not, [`FileError::Link`] when a link leads to
/// what its owner may not read, [`FileError::TooLong`] when there is more than `limit`.
pub fn read(
    root: &Root,
    path: &Path,
    limit: u64,
    who: Option<&Identity>,
) -> Result<Vec<u8>, FileError> {
    let Some(who) = who else { return root.read(path, limit) };
    let file = open(root, path, &[who])?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(FileError::TooLong(limit)) } else { Ok(bytes) }
}

fn may(root: &Root, path: &Path, who: &Identity, want: u16) -> bool {
    // A path that is no text cannot be walked: what is not sure is not read.
    let Some(text) = path.to_str() else { return false };
    let end = walk(root, text, Some(who));
    if matches!(end.access, Access::DirectoryDenied(_)) {
        return false;
    }
    let mut real = root.prefix().as_os_str().to_owned();
    real.push(path);
    end.stat.is_none_or(|stat| who.may(want, &stat, AccessList::read(Path::new(&real)).as_ref()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_closed_directory_or_mode_bars_the_user_and_not_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let put = |path: &str, mode: u32| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        put("open", 0o644);
        put("shut", 0o600);
        put("private/open", 0o644);
        let private = dir.path().join("private");
        std::fs::set_permissions(private, std::fs::Permissions::from_mode(0o700)).unwrap();
        let root = Root::new(dir.path());
        let user = Identity::of(65_533, vec![65_533]);
        let read = |path: &str, who: &Identity| may_read(&root, Path::new(path), who);
        assert!(read("/open", &user) && !may_write(&root, Path::new("/open"), &user));
        assert!(!read("/shut", &user) && !read("/private/open", &user));
        assert!(read("/missing", &user));
        let admin = Identity::of(0, vec![0]);
        assert!(read("/shut", &admin) && read("/private/open", &admin));
    }

    #[test]
    fn what_is_read_for_a_user_is_what_that_user_may_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for (name, mode) in [("open", 0o644), ("shut", 0o600)] {
            std::fs::write(dir.path().join(name), name).unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(dir.path().join(name), mode).unwrap();
        }
        std::os::unix::fs::symlink("shut", dir.path().join("link")).unwrap();
        let root = Root::new(dir.path());
        let user = Identity::of(65_533, vec![65_533]);
        let theirs = |path: &str| read(&root, Path::new(path), 100, Some(&user));
        assert_eq!(theirs("/open").unwrap(), b"open");
        assert!(matches!(theirs("/shut"), Err(FileError::Denied)));
        assert!(matches!(theirs("/link"), Err(FileError::Denied)));
        assert!(matches!(theirs("/none"), Err(FileError::Missing)));
        let all = read(&root, Path::new("/link"), 100, None);
        assert_eq!(all.unwrap(), b"shut");
        let cut = read(&root, Path::new("/open"), 3, Some(&user));
        assert!(matches!(cut, Err(FileError::TooLong(3))));
    }
}
