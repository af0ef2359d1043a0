//! Reads the files that units name: small regular text files only, each once as long as it does
//! not change, and all of one survey within one budget of time.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    host::{
        clock,
        files::{FileError, Root},
        on_behalf,
        permission::Identity,
    },
    observation::Boot,
};

/// Longest file that is read, in bytes.
const FILE_LIMIT: u64 = 256 * 1024;

/// Bytes of text that are remembered before everything is forgotten.
const REMEMBERED: usize = 8 * 1024 * 1024;

/// Names listed of one folder.
const LISTED: usize = 256;

/// Inode, size and modification time: what tells that a file is still the same.
type Version = (u64, i64, i64, u64);

/// A reader of small files with a memory and a budget of time.
pub struct Reader {
    root: Root,
    until: Boot,
    known: BTreeMap<PathBuf, (Version, Option<Arc<str>>)>,
    bytes: usize,
    denied: BTreeMap<String, String>,
    who: Option<Identity>,
}

impl Reader {
    /// A reader of a file tree.
    pub fn new(root: Root) -> Self {
        let (known, denied) = (BTreeMap::new(), BTreeMap::new());
        Self { root, until: Boot(0), known, bytes: 0, denied, who: None }
    }

    /// From now on reads only what this user may read; everything for `None`.
    pub fn on_behalf_of(&mut self, who: Option<Identity>) {
        self.who = who;
    }

    fn is_barred(&self, path: &Path) -> bool {
        self.who.as_ref().is_some_and(|who| !on_behalf::may_read(&self.root, path, who))
    }

    /// The tree.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Starts a survey that may take so long, in milliseconds.
    pub(super) fn begin(&mut self, budget_ms: u64) {
        self.until = Boot(clock::now().boot.0.saturating_add(budget_ms * 1000));
    }

    /// Whether the budget is used up.
    pub(super) fn exhausted(&self) -> bool {
        clock::now().boot > self.until
    }

    /// Files that were refused since this was last asked, with the reason.
    pub(super) fn take_denied(&mut self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.denied)
    }

    /// The text of a small regular file; `None` for programs, large files and what cannot be
    /// read (a refusal is remembered).
    pub(super) fn text(&mut self, path: &Path) -> Option<Arc<str>> {
        if self.exhausted() || self.is_barred(path) {
            return None;
        }
        let version = match self.root.stat(path, true) {
            Ok(stat) => {
                let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
                (stat.st_ino, stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0), size)
            }
            Err(error) => {
                self.note(path, &error);
                return None;
            }
        };
        if let Some((known, text)) = self.known.get(path)
            && *known == version
        {
            return text.clone();
        }
        let text = if version.3 > FILE_LIMIT {
            None
        } else {
            self.read(path).map_err(|error| self.note(path, &error)).ok()?
        };
        let size = text.as_ref().map_or(64, |t| t.len());
        if self.bytes + size > REMEMBERED {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += size;
        self.known.insert(path.to_owned(), (version, text.clone()));
        text
    }

    /// `None` when it is not text.
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, FileError> {
        let bytes = on_behalf::read(&self.root, path, FILE_LIMIT, self.who.as_ref())?;
        let text = !bytes.contains(&0);
        Ok(text.then(|| String::from_utf8_lossy(&bytes).into()))
    }

    /// Names in a folder, sorted.
    pub(super) fn list(&mut self, folder: &Path) -> Vec<String> {
        if self.exhausted() || self.is_barred(folder) {
            return Vec::new();
        }
        match self.root.list(folder, LISTED) {
            Ok((names, _)) => names,
            Err(error) => {
                self.note(folder, &error);
                Vec::new()
            }
        }
    }

    fn note(&mut self, path: &Path, error: &FileError) {
        if matches!(error, FileError::Denied) {
            self.denied.insert(path.display().to_string(), error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_large_files_are_not_text_and_a_changed_file_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("elf"), b"\x7fELF\0\0").unwrap();
        std::fs::write(file("large"), vec![b'a'; 300_000]).unwrap();
        std::fs::write(file("a"), "one").unwrap();
        let mut reader = Reader::new(Root::default());
        reader.begin(10_000);
        assert!(reader.text(&file("elf")).is_none() && reader.text(&file("large")).is_none());
        assert_eq!(reader.text(&file("a")).as_deref(), Some("one"));
        std::fs::write(file("a"), "three").unwrap();
        assert_eq!(reader.text(&file("a")).as_deref(), Some("three"));
    }

    #[test]
    fn what_a_user_may_not_read_is_not_read_for_it_though_another_may() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(dir.path(), 0o755);
        std::fs::write(dir.path().join("secret"), "one").unwrap();
        mode(&dir.path().join("secret"), 0o600);
        let mut reader = Reader::new(Root::new(dir.path()));
        reader.begin(10_000);
        let path = Path::new("/secret");
        assert!(reader.text(path).is_some());
        reader.on_behalf_of(Some(Identity::of(65_533, vec![65_533])));
        assert!(reader.text(path).is_none());
        reader.on_behalf_of(None);
        assert!(reader.text(path).is_some());
    }

    #[test]
    fn nothing_is_read_when_the_budget_is_used_up() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "one").unwrap();
        let mut reader = Reader::new(Root::default());
        assert!(reader.exhausted() && reader.text(&dir.path().join("a")).is_none());
    }
}
