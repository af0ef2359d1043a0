//! Reading on behalf of a program that has fewer rights than we have: a configuration of an
//! ordinary user must not make us open what that user could not.

use std::path::Path;

use super::{
    files::Root,
    permission::{AccessList, Identity, WRITE},
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
}
