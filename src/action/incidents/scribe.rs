//! Who writes the history.

use std::{collections::BTreeMap, io, thread::sleep, time::Duration};

use crate::{
    action::{Permit, Tools},
    host::{
        clock,
        own_folder::{self, OwnFolder},
    },
    observation::{Text, Wall},
    session::history::{Book, Entry, History},
};

use super::{
    image,
    store::{FILE, Found, find_in, known, place},
};

/// Whoever writes holds this.
const LOCK: &str = "history.lock";
/// How long another writer is waited for.
const PATIENCE_SECS: u64 = 3;
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// Damaged histories that are left lying there.
const SET_ASIDE: usize = 4;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Days after its end that an incident is kept.
    pub days: u32,
    /// Size of the file at most, in MiB.
    pub mib: u32,
}

impl Default for Kept {
    fn default() -> Self {
        Self { days: 400, mib: 16 }
    }
}

/// Writes the history of a session that may act.
#[derive(Debug)]
pub struct Scribe {
    tools: Tools,
    by: Text,
    kept: Kept,
    /// Numbers of this session's incidents.
    numbers: BTreeMap<u64, u64>,
    notice: Option<String>,
}

impl Scribe {
    /// A scribe that signs repairs with a name. Without a permit there is none:
    ///
    /// ```compile_fail
    /// use gatemedic::action::{Tools, incidents::{Kept, Scribe}};
    /// fn write(tools: Tools) -> Scribe {
    ///     Scribe::new((), tools, "anna".into(), Kept::default())
    /// }
    /// ```
    pub const fn new(_: &Permit, tools: Tools, by: Text, kept: Kept) -> Self {
        Self { tools, by, kept, numbers: BTreeMap::new(), notice: None }
    }

    /// Reads the history; a damaged one is set aside under another name. Where there is none,
    /// nothing is made.
    pub fn open(&mut self, now: Wall) -> History {
        let Ok(folder) = OwnFolder::open(&self.tools.state) else {
            return super::read(&self.tools);
        };
        match find_in(&folder) {
            Found::Book(book) => known(&book, self.notice.clone()),
            Found::Broken(_) => match self.locked(|own, folder| own.load(folder, now)) {
                Ok(book) => known(&book, self.notice.clone()),
                Err(why) => known(&Book::default(), Some(why)),
            },
            Found::Nothing | Found::Alone(_) => super::read(&self.tools),
        }
    }

    /// Keeps accounts of incidents, and gives the history as it is then. What goes wrong is its
    /// notice; what was to be kept then comes again with the next account of it.
    pub fn keep(&mut self, entries: &[Entry], now: Wall) -> History {
        let written = self.locked(|own, folder| {
            let mut book = own.load(folder, now)?;
            for entry in entries {
                let mut incident = entry.incident.clone();
                for repair in &mut incident.repairs {
                    if repair.by.is_empty() {
                        repair.by = own.by.clone();
                    }
                }
                let known = own.numbers.get(&entry.serial).copied();
                own.numbers.insert(entry.serial, book.admit(known, &incident));
            }
            own.write(folder, book, now)
        });
        match written {
            Ok(book) => known(&book, self.notice.clone()),
            Err(why) => {
                let why = format!("incidents are not kept: {why}");
                History { notice: Some(Text::new(why)), ..super::read(&self.tools) }
            }
        }
    }

    /// Changes the history as a person asks, and says how many incidents that took away.
    ///
    /// # Errors
    /// Why it could not be, in a sentence.
    pub fn forget(
        &mut self,
        now: Wall,
        forget: impl FnOnce(&mut Book) -> usize,
    ) -> Result<usize, String> {
        self.locked(|own, folder| {
            let mut book = match find_in(folder) {
                Found::Book(book) => book,
                Found::Nothing => return Ok(0),
                Found::Broken(why) | Found::Alone(why) => return Err(why),
            };
            let gone = forget(&mut book);
            if gone > 0 {
                own.write(folder, book, now)?;
            }
            Ok(gone)
        })
    }

    /// Does something while nobody else writes.
    fn locked<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &OwnFolder) -> Result<T, String>,
    ) -> Result<T, String> {
        let folder = OwnFolder::make(&self.tools.state, 0o700)
            .map_err(|error| Text::new(error.to_string()).to_string())?;
        let named = |error: io::Error| {
            let lock = folder.path().join(LOCK);
            format!("{}: {error}", Text::from_bytes(lock.as_os_str().as_encoded_bytes()))
        };
        let lock = folder.keep(LOCK, 0o600).map_err(named)?;
        let begun = clock::now().boot;
        while !own_folder::lock(&lock, false).map_err(named)? {
            if clock::now().boot.secs_since(begun) >= PATIENCE_SECS {
                return Err("somebody else writes the history and does not end".to_owned());
            }
            sleep(PAUSE);
        }
        work(self, &folder)
    }

    /// The history as it is now; a damaged one is set aside.
    fn load(&mut self, folder: &OwnFolder, now: Wall) -> Result<Book, String> {
        let why = match find_in(folder) {
            Found::Nothing => return Ok(Book::default()),
            Found::Book(book) => return Ok(book),
            Found::Alone(why) => return Err(why),
            Found::Broken(why) => why,
        };
        let day = jiff::Timestamp::from_microsecond(now.0).unwrap_or_default();
        let stem = format!("{FILE}.corrupt-{}", day.strftime("%Y-%m-%d"));
        for n in 1..=99 {
            let name = if n == 1 { stem.clone() } else { format!("{stem}-{n}") };
            match folder.set_aside(FILE, &name) {
                Ok(true) => {
                    self.notice = Some(format!("{why}; it was set aside as {name}"));
                    forget_oldest(folder);
                    return Ok(Book::default());
                }
                Ok(false) => {}
                Err(error) => return Err(format!("{why}; it cannot be set aside: {error}")),
            }
        }
        Err(format!("{why}; too many are set aside already"))
    }

    /// Writes the history, as much of it as is to be kept.
    fn write(&self, folder: &OwnFolder, mut book: Book, now: Wall) -> Result<Book, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", place(folder));
        book.forget_before(now.minus_secs(i64::from(self.kept.days) * 86_400));
        let most = usize::try_from(self.kept.mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let mut bytes = image::write(&book).map_err(|error| failed(&error))?;
        while bytes.len() > most && book.shrink() {
            bytes = image::write(&book).map_err(|error| failed(&error))?;
        }
        folder.put(FILE, &bytes).map_err(|error| failed(&error))?;
        Ok(book)
    }
}

/// Removes the oldest of what was set aside, so that it does not grow without end.
fn forget_oldest(folder: &OwnFolder) {
    let names = folder.names().unwrap_or_default();
    let prefix = format!("{FILE}.corrupt-");
    let all: Vec<&String> = names.iter().filter(|name| name.starts_with(&prefix)).collect();
    let excess = all.len().saturating_sub(SET_ASIDE);
    for name in all.into_iter().take(excess) {
        let _ = folder.remove(name);
    }
}
