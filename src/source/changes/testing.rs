//! A host that has nothing but some files.

use std::fs;

use crate::host::files::Root;

/// Files by their paths on that host; it stands as long as the folder is held.
pub(super) fn host<B: AsRef<[u8]>>(files: &[(&str, B)]) -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let root = Root::new(dir.path());
    (dir, root)
}
