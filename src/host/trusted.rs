//! Files that only root can change.

use std::{os::unix::fs::MetadataExt, path::Path};

/// Whether a regular file at an absolute path, links resolved, and every folder above it belong to
/// root and may be written by nobody else. What a program does with such a file is root's own will.
pub fn is_roots_own(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    let own =
        |part: &Path| part.metadata().is_ok_and(|meta| meta.uid() == 0 && meta.mode() & 0o022 == 0);
    path.is_absolute() && real.is_file() && real.ancestors().all(own)
}

/// The same for a folder.
pub fn is_roots_own_folder(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    let own =
        |part: &Path| part.metadata().is_ok_and(|meta| meta.uid() == 0 && meta.mode() & 0o022 == 0);
    path.is_absolute() && real.is_dir() && real.ancestors().all(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_folder_of_everybody_is_not_roots_own() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("compose.yml");
        std::fs::write(&file, "").unwrap();
        assert!(!is_roots_own(&file), "{}", file.display());
        assert!(is_roots_own(Path::new("/etc/passwd")) && !is_roots_own(Path::new("etc/passwd")));
        assert!(is_roots_own_folder(Path::new("/etc")) && !is_roots_own(Path::new("/etc")));
        assert!(!is_roots_own(Path::new("/no/such")));
    }
}
