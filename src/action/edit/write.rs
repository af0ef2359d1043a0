//! Writing what was rehearsed.

use std::{io, path::Path};

use crate::{
    action::{
        Failure, Permit, Tools,
        hands::Undo,
        journal::{self, Entry},
    },
    host::edit_file::{Held, Live, Stage, TEMPORARY, WriteError},
    observation::Text,
    remedy::Digest,
};

use super::{Rehearsal, backup, failure};

/// How far an edit has come: what is heard by [`write_watched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stands in the journal.
    Intended,
    /// A copy of the old content is kept.
    BackedUp,
    /// The file itself.
    File(Stage),
    /// The journal says that it was written.
    Noted,
}

/// An edit that was made and is not yet settled: until [`Written::settle`], the next start offers to
/// take it back.
#[derive(Debug)]
#[must_use = "an edit that is not settled is offered for recovery"]
pub struct Written {
    /// How it is taken back.
    pub undo: Undo,
    /// What was done, for people.
    pub words: String,
    entry: Entry,
}

impl Written {
    /// It is kept, or has been taken back: nothing is left to recover.
    ///
    /// # Errors
    /// When the journal cannot be changed; the edit is then offered for recovery once more.
    pub fn settle(self) -> Result<(), Failure> {
        self.entry.settle()
    }
}

/// Writes what was rehearsed: into the journal, a copy of the old, then the file. `plan` is the
/// digest of the plan that it belongs to.
///
/// # Errors
/// [`Failure`]; the file is then as it was, except after [`Failure::Human`], which says what stands
/// there and how it is put back by hand.
pub fn write(
    permit: &Permit,
    rehearsal: Rehearsal,
    tools: &Tools,
    plan: Digest,
) -> Result<Written, Failure> {
    write_watched(permit, rehearsal, tools, plan, &mut |_| {})
}

/// As [`write`]; `on` hears of each step when it is done.
///
/// # Errors
/// As [`write`].
pub fn write_watched(
    _permit: &Permit,
    rehearsal: Rehearsal,
    tools: &Tools,
    plan: Digest,
    on: &mut dyn FnMut(Step),
) -> Result<Written, Failure> {
    let Rehearsal { held, file, new, .. } = rehearsal;
    let (old, written) = (held.digest(), Digest::of(&new));
    let root = Text::from_bytes(held.root().as_os_str().as_encoded_bytes());
    let path = Text::from_bytes(held.path().as_os_str().as_encoded_bytes());
    let copy = backup::name(&file, old);
    let mut entry = Entry::begin(
        tools,
        journal::Intent {
            file: path.clone(),
            root: root.clone(),
            old,
            new: written,
            backup: copy,
            plan,
        },
    )?;
    on(Step::Intended);
    let needed = journal::needed_backups(tools);
    if let Err(why) = backup::keep(tools, entry.backup(), held.bytes(), &needed) {
        let _ = entry.settle();
        return Err(why);
    }
    on(Step::BackedUp);
    let before = held.bytes().to_vec();
    let temporary = format!("{TEMPORARY}{}", entry.id());
    let done = held.replace(&temporary, &new, &mut |stage| {
        on(Step::File(stage));
        Ok(())
    });
    let done = done.and_then(|()| {
        entry.note_written().map_err(|error| WriteError { error: error.into(), live: Live::New })
    });
    if let Err(failed) = done {
        return Err(give_up(&path, &root, &before, tools, entry, failed));
    }
    on(Step::Noted);
    let words =
        format!("wrote {file}; the old one is kept as {}", backup::path(tools, entry.backup()));
    // By its path without links: these may lead elsewhere by then, and do lead elsewhere in another
    // file tree.
    let undo = Undo::RestoreFile { file: path, root, backup: entry.backup().to_owned(), written };
    Ok(Written { undo, words, entry })
}

/// After a failed write: what stands there is put back if it is not the old one.
fn give_up(
    file: &Text,
    root: &Text,
    before: &[u8],
    tools: &Tools,
    entry: Entry,
    failed: WriteError,
) -> Failure {
    let WriteError { error, live } = failed;
    if live == Live::Old || (live == Live::New && rewrite(file, root, before, &entry).is_ok()) {
        // Nothing is pending: the file is what it was.
        let _ = entry.settle();
        return failure(file, &error);
    }
    let stands = match live {
        Live::New => "the new content stands there, and the disk may not have it",
        _ => "it was written in part",
    };
    let copy = backup::path(tools, entry.backup());
    let why = Text::new(error.to_string());
    Failure::Human(format!(
        "{file}: {why}; {stands}. Put the old one back by hand: cp {copy} {file}"
    ))
}

fn rewrite(file: &Text, root: &Text, bytes: &[u8], entry: &Entry) -> Result<(), io::Error> {
    let held =
        Held::find(Path::new(root.raw()), Path::new(file.raw())).map_err(io::Error::other)?;
    if held.digest() != entry.written() {
        return Err(io::Error::other("somebody else changed it meanwhile"));
    }
    let name = format!("{TEMPORARY}{}-back", entry.id());
    held.replace(&name, bytes, &mut |_| Ok(())).map_err(io::Error::other)
}
