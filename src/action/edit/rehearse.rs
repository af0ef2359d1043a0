//! An edit, carried out on paper.

use std::path::Path;

use crate::{
    action::Failure,
    host::edit_file::{Held, Way},
    observation::Text,
    remedy::{Change, Digest, FileEdit},
};

use super::{diff, failure};

/// A file as it was read, and what would be written. There is one way to it:
///
/// ```compile_fail
/// let rehearsal = gatemedic::action::edit::Rehearsal { held: todo!() };
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    pub(super) held: Held,
    pub(super) file: Text,
    pub(super) new: Vec<u8>,
    digest: Digest,
    diff: Vec<Text>,
    edits: Vec<FileEdit>,
}

impl Rehearsal {
    /// The file, as its program sees the path.
    pub const fn file(&self) -> &Text {
        &self.file
    }

    /// Fingerprint of what stands there.
    pub const fn old(&self) -> Digest {
        self.held.digest()
    }

    /// Fingerprint of what would be written.
    pub const fn new_digest(&self) -> Digest {
        self.digest
    }

    /// What would be written.
    pub fn candidate(&self) -> &[u8] {
        &self.new
    }

    /// The difference, redacted, line by line.
    pub fn diff(&self) -> &[Text] {
        &self.diff
    }

    /// The edits that it is made of.
    pub fn edits(&self) -> &[FileEdit] {
        &self.edits
    }

    /// The path without links, seen from its root.
    pub fn real_path(&self) -> &Path {
        self.held.path()
    }

    /// Why the file is written over in place instead of being replaced; `None` when it is replaced.
    pub const fn in_place(&self) -> Option<&'static str> {
        match self.held.way() {
            Way::Rename => None,
            Way::InPlace(why) => Some(why),
        }
    }

    /// Bytes and inodes that are free where it lies.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn room(&self) -> Result<(u64, Option<u64>), Failure> {
        self.held.room().map_err(|error| failure(&self.file, &error))
    }
}

/// Rehearses edits: one result for each distinct file, in the order of the first edit of each.
/// Several edits of one file are made together, from its end to its beginning, because each names
/// its line as it stands now. Nothing is changed.
///
/// # Errors
/// [`Failure`] of the first file that cannot or should not be edited, or that is not what it was
/// when the edit was made.
pub fn rehearse_all(edits: &[&FileEdit]) -> Result<Vec<Rehearsal>, Failure> {
    let mut groups: Vec<(Held, Vec<&FileEdit>)> = Vec::new();
    for edit in edits {
        let held = Held::find(Path::new(edit.root.raw()), Path::new(edit.file.raw()))
            .map_err(|error| failure(&edit.file, &error))?;
        let same = |group: &&mut (Held, Vec<&FileEdit>)| group.0.identity() == held.identity();
        match groups.iter_mut().find(same) {
            Some((_, edits)) => edits.push(edit),
            None => groups.push((held, vec![edit])),
        }
    }
    groups.into_iter().map(|(held, edits)| rehearse(held, &edits)).collect()
}

fn rehearse(held: Held, edits: &[&FileEdit]) -> Result<Rehearsal, Failure> {
    let file = edits.first().map(|edit| edit.file.clone()).unwrap_or_default();
    let whole = |edit: &&FileEdit| matches!(edit.change, Change::Whole { .. });
    if edits.len() > 1 && edits.iter().any(whole) {
        let words = format!("{file}: it cannot be written as a whole and line by line at once");
        return Err(Failure::Refused(words));
    }
    let mut ordered = edits.to_vec();
    ordered.sort_by_key(|edit| std::cmp::Reverse(edit.change.line()));
    let mut new = held.bytes().to_vec();
    for edit in ordered {
        let changed = edit.change.apply(&new);
        new = changed.map_err(|error| Failure::Changed(format!("{file}: {error}")))?;
    }
    if new == held.bytes() {
        return Err(Failure::Refused(format!("{file} says already what would be written")));
    }
    Ok(Rehearsal {
        digest: Digest::of(&new),
        diff: diff::unified(&file, held.bytes(), &new),
        edits: edits.iter().map(|edit| (*edit).clone()).collect(),
        held,
        file,
        new,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(file: &Path, change: Change) -> FileEdit {
        let file = Text::from_bytes(file.as_os_str().as_encoded_bytes());
        FileEdit { file, root: Text::default(), change, test: None }
    }

    fn after(line: u32, add: &str) -> Change {
        Change::After { line, directive: "pass".into(), add: vec![add.into()] }
    }

    #[test]
    fn several_edits_of_one_file_each_find_their_line_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::write(&real, "pass a;\npass b;\npass c;\n").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        let edits = [
            edit(&real, after(1, "x 1;")),
            edit(&link, after(3, "x 3;")),
            edit(&real, after(2, "x 2;")),
        ];
        let all = rehearse_all(&edits.each_ref()).unwrap();
        assert_eq!(all.len(), 1);
        let expected = "pass a;\nx 1;\npass b;\nx 2;\npass c;\nx 3;\n";
        assert_eq!(String::from_utf8_lossy(all[0].candidate()), expected);
        assert_eq!(all[0].real_path(), real);
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "pass a;\npass b;\npass c;\n");
    }

    #[test]
    fn an_edit_that_does_not_fit_any_more_or_changes_nothing_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "other;\n").unwrap();
        let stale = rehearse_all(&[&edit(&file, after(1, "x;"))]).unwrap_err();
        assert!(matches!(stale, Failure::Changed(_)), "{stale}");
        let same = Change::Whole { base: Digest::of(b"other;\n"), content: "other;\n".into() };
        let same = rehearse_all(&[&edit(&file, same)]).unwrap_err();
        assert!(same.to_string().contains("says already"), "{same}");
        let gone = rehearse_all(&[&edit(&dir.path().join("no"), after(1, "x;"))]).unwrap_err();
        assert!(matches!(gone, Failure::Gone(_)), "{gone}");
    }
}
