//! Puts new content in the place of the old.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::fd::OwnedFd,
};

use rustix::{
    fs::{AtFlags, FallocateFlags, Mode, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{EditFileError, Held, Live, Way, WriteError, attributes};

/// How the name of a file begins that is to take another one's place. No `include` of a directory
/// takes it: `*` does not match a leading dot (glob(7)), and it has no suffix.
pub const TEMPORARY: &str = ".gatemedic-";

/// How far a write has come. The one before [`Stage::Renamed`] or [`Stage::Writing`] leaves the
/// live file as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// An empty file stands beside it.
    Created,
    /// That file has the new content, and the owner, mode and attributes of the old one.
    Filled,
    /// It is on disk.
    Synced,
    /// The live file was found to be what was read.
    Checked,
    /// The new file has taken its place.
    Renamed,
    /// The live file is about to be written over.
    Writing,
    /// It has been written over.
    Written,
    /// The disk has it.
    Settled,
}

/// Removes a file unless it has taken its place.
struct Temporary<'a> {
    folder: &'a File,
    name: &'a str,
    there: bool,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.there {
            let _ = rustix::fs::unlinkat(self.folder, self.name, AtFlags::empty());
        }
    }
}

impl Held {
    /// Writes new content. `name` is the temporary file's, [`TEMPORARY`] and something that never
    /// was; `on` hears of each stage, and its failure is a failure of the write. A failed
    /// fsync(2) is final: what the kernel then forgets it does not say.
    ///
    /// # Errors
    /// [`WriteError`] says why, and what stands there now.
    pub fn replace(
        mut self,
        name: &str,
        new: &[u8],
        on: &mut dyn FnMut(Stage) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        match self.way {
            Way::Rename => self.rename(name, new, on),
            Way::InPlace(_) => self.write_over(new, on),
        }
    }

    fn rename(
        &mut self,
        name: &str,
        new: &[u8],
        on: &mut dyn FnMut(Stage) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        self.beside(name, new, on).map_err(WriteError::old)?;
        on(Stage::Renamed).map_err(WriteError::new)?;
        self.folder.sync_all().map_err(WriteError::new)?;
        on(Stage::Settled).map_err(WriteError::new)
    }

    /// Everything up to and with the rename.
    fn beside(
        &mut self,
        name: &str,
        new: &[u8],
        on: &mut dyn FnMut(Stage) -> io::Result<()>,
    ) -> Result<(), EditFileError> {
        let folder = self.folder.try_clone()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&folder, name, flags | OFlags::CLOEXEC, mode)?;
        let mut temporary = Temporary { folder: &folder, name, there: true };
        on(Stage::Created)?;
        let mut file = File::from(file);
        file.write_all(new)?;
        attributes::copy(&file, &self.stat, &self.attributes)?;
        on(Stage::Filled)?;
        file.sync_all()?;
        on(Stage::Synced)?;
        self.still_the_same()?;
        on(Stage::Checked)?;
        rustix::fs::renameat(&folder, name, &folder, &self.spot.leaf)?;
        temporary.there = false;
        Ok(())
    }

    fn write_over(
        &mut self,
        new: &[u8],
        on: &mut dyn FnMut(Stage) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let mut file = File::from(self.open_for_writing().map_err(WriteError::old)?);
        self.still_the_same().map_err(WriteError::old)?;
        self.set_aside(&file, new.len()).map_err(WriteError::old)?;
        on(Stage::Checked).map_err(WriteError::old)?;
        on(Stage::Writing).map_err(WriteError::old)?;
        let written = fill(&mut file, new).and_then(|()| on(Stage::Written));
        match written.and_then(|()| file.sync_all()) {
            Ok(()) => on(Stage::Settled).map_err(WriteError::new),
            Err(error) => {
                let back = fill(&mut file, self.bytes()).and_then(|()| file.sync_all());
                let live = if back.is_ok() { Live::Old } else { Live::Torn };
                Err(WriteError { error: error.into(), live })
            }
        }
    }

    fn open_for_writing(&self) -> Result<OwnedFd, EditFileError> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, &self.spot.leaf, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        if (stat.st_dev, stat.st_ino) == self.identity() {
            Ok(file)
        } else {
            Err(EditFileError::Changed)
        }
    }

    /// Has room for a longer file set aside; its content and size stay.
    fn set_aside(&self, file: &File, len: usize) -> Result<(), EditFileError> {
        if len <= self.bytes().len() {
            return Ok(());
        }
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, len as u64) {
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn fill(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}
