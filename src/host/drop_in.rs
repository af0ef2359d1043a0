//! Drop-in files of units (systemd.unit(5)): written beside and renamed over, so that there is
//! always the old one or the new one; every folder on the way is root's own and no link.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags},
    io::Errno,
};

use crate::observation::UnitName;

/// Where an administrator's units and drop-ins are.
pub const SYSTEM: &str = "/etc/systemd/system";
/// Name of our file. Drop-ins apply in the order of their names and the last one wins.
pub const NAME: &str = "zz-gatemedic.conf";
/// Longest drop-in that is read.
const LIMIT: u64 = 64 * 1024;

/// The folder of one unit's drop-ins, held open.
#[derive(Debug)]
pub struct DropIn {
    folder: OwnedFd,
    parent: OwnedFd,
    folder_name: String,
    path: PathBuf,
}

impl DropIn {
    /// Opens, and with `make` makes, the folder of a unit below `system`.
    ///
    /// # Errors
    /// `PermissionDenied` when a folder on the way is not root's own, `ELOOP` when one is a link,
    /// `EROFS` on a read-only file system.
    pub fn of(system: &Path, unit: &UnitName, make: bool) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let plain = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let parent = rustix::fs::openat2(CWD, system, flags, Mode::empty(), plain)?;
        only_root(&parent)?;
        let folder_name = format!("{unit}.d");
        if make {
            match rustix::fs::mkdirat(&parent, &folder_name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let fresh =
                        rustix::fs::openat2(&parent, &folder_name, flags, Mode::empty(), plain)?;
                    // Whatever the umask is, systemd and people must be able to look into it.
                    rustix::fs::fchmod(&fresh, Mode::from_raw_mode(0o755))?;
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let folder = rustix::fs::openat2(&parent, &folder_name, flags, Mode::empty(), plain)?;
        only_root(&folder)?;
        let path = system.join(&folder_name).join(NAME);
        Ok(Self { folder, parent, folder_name, path })
    }

    /// Path of our file in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What our file holds, `None` when there is none.
    ///
    /// # Errors
    /// What open(2) and read(2) say; `FileTooLarge` beyond the bound.
    pub fn read(&self) -> io::Result<Option<String>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.folder, NAME, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut text = String::new();
        file.take(LIMIT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(text))
    }

    /// Puts our file in place, world-readable. On an error the old one stands.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, text: &str) -> io::Result<()> {
        // systemd reads only names that end in `.conf`.
        let draft = format!(".{NAME}.{}.new", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let _ = rustix::fs::unlinkat(&self.folder, &draft, AtFlags::empty());
        let file = rustix::fs::openat(&self.folder, &draft, flags, Mode::from_raw_mode(0o600))?;
        let mut file = File::from(file);
        let mut put = || -> io::Result<()> {
            file.write_all(text.as_bytes())?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
            file.sync_all()?;
            rustix::fs::renameat_with(
                &self.folder,
                &draft,
                &self.folder,
                NAME,
                RenameFlags::empty(),
            )?;
            Ok(rustix::fs::fsync(&self.folder)?)
        };
        put().inspect_err(|_| {
            let _ = rustix::fs::unlinkat(&self.folder, &draft, AtFlags::empty());
        })
    }

    /// Removes our file, and the folder when nothing else is in it.
    ///
    /// # Errors
    /// What unlinkat(2) says; that there is none is no error.
    pub fn remove(&self) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, NAME, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        rustix::fs::fsync(&self.folder)?;
        // It stays when another drop-in is in it.
        let _ = rustix::fs::unlinkat(&self.parent, &self.folder_name, AtFlags::REMOVEDIR);
        Ok(())
    }
}

/// Whoever may write to the folder decides what root's systemd runs.
fn only_root(folder: &OwnedFd) -> io::Result<()> {
    let stat = rustix::fs::fstat(folder)?;
    // Tests run below a folder of their own user.
    let owner = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    if owner && stat.st_mode & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "somebody else could write there too"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn unit() -> UnitName {
        UnitName::new("app@1.service").unwrap()
    }

    fn system() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    #[test]
    fn a_drop_in_is_readable_for_all_and_leaves_nothing_when_it_is_removed() {
        let (_dir, system) = system();
        let drop_in = DropIn::of(&system, &unit(), true).unwrap();
        assert_eq!(drop_in.read().unwrap(), None);
        drop_in.write("[Service]\n").unwrap();
        drop_in.write("[Service]\nMemoryMax=1M\n").unwrap();
        assert_eq!(drop_in.read().unwrap().unwrap(), "[Service]\nMemoryMax=1M\n");
        let mode = std::fs::metadata(drop_in.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let names = std::fs::read_dir(system.join("app@1.service.d")).unwrap().count();
        assert_eq!(names, 1, "no draft is left behind");
        drop_in.remove().unwrap();
        assert!(!system.join("app@1.service.d").exists());
    }

    #[test]
    fn a_folder_that_is_a_link_or_that_others_may_write_to_is_refused() {
        let (_dir, system) = system();
        let other = system.join("other");
        std::fs::create_dir(&other).unwrap();
        symlink(&other, system.join("app@1.service.d")).unwrap();
        assert!(DropIn::of(&system, &unit(), true).is_err());
        std::fs::remove_file(system.join("app@1.service.d")).unwrap();
        std::fs::create_dir(system.join("app@1.service.d")).unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(system.join("app@1.service.d"), open).unwrap();
        let error = DropIn::of(&system, &unit(), true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(std::fs::read_dir(&other).unwrap().next().is_none());
    }

    #[test]
    fn a_link_at_the_name_of_the_file_is_replaced_and_never_written_through() {
        let (_dir, system) = system();
        let victim = system.join("victim");
        std::fs::write(&victim, "old").unwrap();
        let drop_in = DropIn::of(&system, &unit(), true).unwrap();
        symlink(&victim, drop_in.path()).unwrap();
        assert!(drop_in.read().is_err());
        drop_in.write("new").unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "old");
        assert_eq!(drop_in.read().unwrap().unwrap(), "new");
    }
}
