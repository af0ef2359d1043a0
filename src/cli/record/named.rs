//! Which recording a word names, for every verb that reads one, and how it ends when it cannot be
//! read: 3 where there is none, 77 where what is there is not read as one, 74 where reading fails.

use std::{
    fmt,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use crate::{
    host::{
        files::FileError,
        recordings::{Kept, Store, Stream, StreamError},
        replay_file::{self, Growing},
    },
    observation::Text,
    session::{recording::session_of, replay::MOST_BYTES},
};

use super::{
    arguments::refuse,
    list::{kept, store},
};
use crate::cli::{Arguments, Exit, tools::tools};

/// The word for the newest recording.
const LATEST: &str = "latest";

/// A recording that somebody named.
pub(in crate::cli) struct Named {
    words: Text,
    at: Place,
}

enum Place {
    Given(Vec<u8>),
    File(PathBuf),
    Kept(Store, Kept),
}

impl Named {
    /// What `-` (stdin), a file that is there, or else the name of what is kept, stands for. Of stdin
    /// all is read.
    ///
    /// # Errors
    /// How the process ends, after one sentence about it.
    pub(in crate::cli) fn find(which: &Path, arguments: &Arguments) -> Result<Self, Exit> {
        let words = Text::from_bytes(which.as_os_str().as_encoded_bytes());
        if which.as_os_str() == "-" {
            let named = Self { words: "stdin".into(), at: Place::Given(Vec::new()) };
            let read = replay_file::read_stdin(MOST_BYTES as u64);
            let bytes = read.map_err(|error| named.not_read(&error))?;
            return Ok(Self { at: Place::Given(bytes), ..named });
        }
        let is_there = || which.symlink_metadata().is_ok();
        match which.to_str().filter(|name| !name.contains('/') && !is_there()) {
            Some(name) => Self::kept(name, arguments),
            None => Ok(Self { words, at: Place::File(which.to_owned()) }),
        }
    }

    /// What is kept, by its name, or the latest.
    ///
    /// # Errors
    /// As for [`Named::find`].
    pub(in crate::cli) fn kept(name: &str, arguments: &Arguments) -> Result<Self, Exit> {
        let words = Text::new(name);
        let none = || missing(&words);
        let store = store(arguments)?.ok_or_else(none)?;
        let all = kept(&store)?;
        let found = if name == LATEST {
            all.into_iter().next()
        } else {
            all.into_iter().find(|kept| kept.name == name)
        };
        let found = found.ok_or_else(none)?;
        Ok(Self { words, at: Place::Kept(store, found) })
    }

    /// The same, where it may be gone by now and nobody asked for it: nothing is said then.
    pub(in crate::cli) fn still_kept(name: &str, arguments: &Arguments) -> Option<Self> {
        let name = session_of(name);
        let store = Store::open(&tools(arguments).state).ok()?;
        let found = store.kept().ok()?.into_iter().find(|kept| kept.name == name)?;
        Some(Self { words: Text::new(name), at: Place::Kept(store, found) })
    }

    /// Its bytes from the beginning.
    ///
    /// # Errors
    /// As for [`Named::find`].
    pub(in crate::cli) fn read(&self) -> Result<Box<dyn Read + '_>, Exit> {
        let stream = match &self.at {
            Place::Given(bytes) => return Ok(Box::new(bytes.as_slice())),
            Place::File(path) => Stream::named(path),
            Place::Kept(store, kept) => Stream::kept(store, kept).map_err(StreamError::Io),
        };
        let stream = stream.map_err(|error| self.not_opened(&error))?;
        Ok(Box::new(stream))
    }

    /// All its bytes, and what gives those that are added to it; of stdin nothing is.
    ///
    /// # Errors
    /// As for [`Named::find`].
    pub(in crate::cli) fn take(&mut self) -> Result<(Vec<u8>, Option<Growing>), Exit> {
        let stream = match std::mem::replace(&mut self.at, Place::Given(Vec::new())) {
            Place::Given(bytes) => return Ok((bytes, None)),
            Place::File(path) => Stream::named(&path),
            Place::Kept(store, kept) => Stream::following(store, &kept).map_err(StreamError::Io),
        };
        let stream = stream.map_err(|error| self.not_opened(&error))?;
        let (bytes, growing) = replay_file::read(stream, MOST_BYTES as u64)
            .map_err(|error| self.not_read(&error))?;
        Ok((bytes, Some(growing)))
    }

    /// How it is called.
    pub(in crate::cli) const fn words(&self) -> &Text {
        &self.words
    }

    /// It is not read as a recording.
    pub(in crate::cli) fn refused(&self, why: &dyn fmt::Display) -> Exit {
        refuse(Exit::Refused, &format!("refused: {}: {}", self.words, Text::new(why.to_string())))
    }

    /// Reading it failed.
    pub(in crate::cli) fn failed(&self, error: &io::Error) -> Exit {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => missing(&self.words),
            ErrorKind::PermissionDenied => self.refused(error),
            _ => refuse(Exit::Output, &format!("failed to read {}: {error}", self.words)),
        }
    }

    fn not_opened(&self, error: &StreamError) -> Exit {
        match error {
            StreamError::Io(error) => self.failed(error),
            other => self.refused(other),
        }
    }

    fn not_read(&self, error: &FileError) -> Exit {
        match error {
            FileError::Missing => missing(&self.words),
            FileError::Io(error) => self.failed(error),
            other => self.refused(other),
        }
    }
}

fn missing(name: &Text) -> Exit {
    refuse(Exit::NotKnown, &format!("no such recording: {name}; see: gatemedic record --list"))
}
