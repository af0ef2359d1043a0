//! A folder for one set of evidence: made new, for its owner's eyes only, one of a bounded number.

use std::{io, path::Path};

use super::own_folder::{FolderError, OwnFolder};

/// Sets that are kept; the oldest by name goes first.
pub const KEPT: usize = 20;
/// Most bytes of one file.
pub const FILE_LIMIT: usize = 1 << 20;
/// Sets of one name that are told apart.
const TWINS: usize = 10;

/// One set of evidence.
#[derive(Debug)]
pub struct Vault {
    folder: OwnFolder,
}

impl Vault {
    /// Makes a folder `name` below `state`/`kind`, and removes the oldest sets there. Names are
    /// expected to sort by age.
    ///
    /// # Errors
    /// [`FolderError`], also when a folder on the way could be written by somebody else or is a link.
    pub fn make(state: &Path, kind: &str, name: &str) -> Result<Self, FolderError> {
        let shelf = OwnFolder::make(state, 0o700)?.sub(kind)?;
        let names = shelf.names().unwrap_or_default();
        let many = names.len().saturating_sub(KEPT - 1);
        for old in names.iter().take(many) {
            shelf.discard(old);
        }
        for turn in 0..TWINS {
            let name = if turn == 0 { name.to_owned() } else { format!("{name}-{turn}") };
            if let Some(folder) = shelf.fresh(&name)? {
                return Ok(Self { folder });
            }
        }
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(FolderError::Io(shelf.path().join(name), taken))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that must not exist yet; what is longer than [`FILE_LIMIT`] is cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.folder.jot(name, bytes.get(..FILE_LIMIT).unwrap_or(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn sets_are_for_their_owner_only_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        for n in 0..KEPT + 3 {
            let vault = Vault::make(&state, "captures", &format!("2026-{n:03}")).unwrap();
            vault.put("a.txt", b"x").unwrap();
            assert!(vault.put("a.txt", b"y").is_err(), "nothing is written over");
        }
        let twin = Vault::make(&state, "captures", "2026-022").unwrap();
        assert!(twin.path().ends_with("2026-022-1"));
        let mut kept: Vec<String> = std::fs::read_dir(state.join("captures"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort_unstable();
        assert_eq!((kept.len(), kept[0].as_str()), (KEPT, "2026-004"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let last = state.join("captures/2026-022");
        assert_eq!((mode(&last), mode(&last.join("a.txt")), mode(&state)), (0o700, 0o600, 0o700));
    }

    #[test]
    fn a_planted_link_and_a_folder_of_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (state, other) = (dir.path().join("state"), dir.path().join("other"));
        std::fs::create_dir(&state).unwrap();
        std::fs::create_dir(&other).unwrap();
        symlink(&other, state.join("captures")).unwrap();
        assert!(Vault::make(&state, "captures", "a").is_err());
        std::fs::remove_file(state.join("captures")).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Vault::make(&state, "captures", "a").is_err());
        assert!(std::fs::read_dir(&other).unwrap().next().is_none());
    }
}
