//! Where the history lies, and what is found there.

use std::io;

use crate::{
    action::Tools,
    host::own_folder::{FolderError, OwnFolder},
    observation::Text,
    session::history::{Book, History},
};

use super::image::{self, Damage};

/// Name below the state folder.
pub(super) const FILE: &str = "history.db";
/// Longest file that is read, in bytes: more than the settings allow.
const LIMIT: u64 = 80 << 20;
/// Incidents that a session knows.
const KNOWN: usize = 2_000;

/// What is found where the history lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing: none was kept yet.
    Nothing,
    /// A history.
    Book(Book),
    /// A database that is broken, and why.
    Broken(String),
    /// Something that is left alone, and why: of a newer version, not ours, or out of reach.
    Alone(String),
}

/// Looks for the history. Nothing is changed.
pub fn find(tools: &Tools) -> Found {
    match OwnFolder::open(&tools.state) {
        Ok(folder) => find_in(&folder),
        Err(FolderError::Missing(_)) => Found::Nothing,
        Err(error) => Found::Alone(Text::new(error.to_string()).to_string()),
    }
}

pub(super) fn find_in(folder: &OwnFolder) -> Found {
    let path = place(folder);
    match folder.read_own(FILE, LIMIT) {
        Ok(bytes) => match image::read(bytes) {
            Ok(book) => Found::Book(book),
            Err(Damage::Broken(why)) => Found::Broken(format!("{path} is damaged: {why}")),
            Err(newer @ Damage::Newer(_)) => Found::Alone(format!("{path} is left alone: {newer}")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Found::Broken(format!("{path} is damaged: it is longer than {LIMIT} bytes"))
        }
        Err(error) => Found::Alone(format!("{path} cannot be read: {error}")),
    }
}

/// The path of the file, fit for a screen.
pub(super) fn place(folder: &OwnFolder) -> Text {
    Text::from_bytes(folder.path().join(FILE).as_os_str().as_encoded_bytes())
}

/// The history for a session. Nothing is changed.
pub fn read(tools: &Tools) -> History {
    match find(tools) {
        Found::Nothing => History::default(),
        Found::Book(book) => known(&book, None),
        Found::Broken(why) => {
            let way = "a session that may act sets it aside and begins a new one";
            known(&Book::default(), Some(format!("{why}; {way}")))
        }
        Found::Alone(why) => known(&Book::default(), Some(why)),
    }
}

/// The newest of the incidents, the newest first.
pub(super) fn known(book: &Book, notice: Option<String>) -> History {
    let mut incidents = book.incidents().to_vec();
    incidents.sort_by_key(|incident| std::cmp::Reverse((incident.first, incident.id)));
    incidents.truncate(KNOWN);
    History { incidents, notice: notice.map(Text::new) }
}
