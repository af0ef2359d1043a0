//! One actor per host: whoever acts holds a lock, and everybody can read who that is.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use serde::{Deserialize, Serialize};

use crate::{
    host::{
        clock,
        own_folder::{self, OwnFolder},
        proc,
    },
    observation::{Text, Wall},
};

use super::{Failure, Permit, Tools};

/// The file in the runtime folder.
const FILE: &str = "act.lock";
/// Bytes that are read of it.
const LIMIT: u64 = 16 * 1024;

/// What somebody is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Who, as people call them; hostile.
    pub user: Text,
    /// What is done, in words: "restart php8.2-fpm.service".
    pub what: Text,
    /// Whom it concerns.
    pub whom: Text,
}

/// What stands in the lock's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    pid: u32,
    start_ticks: u64,
    user: Text,
    what: Text,
    whom: Text,
    at: Wall,
    /// How far it is: "verifying".
    stage: Text,
}

/// Somebody else acts on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Who.
    pub who: Text,
    /// What, and how far it is.
    pub what: Text,
    /// Whom it concerns.
    pub whom: Text,
    /// Since when.
    pub at: Wall,
    /// The process.
    pub pid: u32,
}

impl Busy {
    /// In a sentence for somebody who looks now: "anna does restart php8.2-fpm.service since 40 s,
    /// verifying".
    pub fn words(&self, now: Wall) -> String {
        let secs = now.0.saturating_sub(self.at.0).max(0) / 1_000_000;
        let who = if self.who.is_empty() { "somebody".to_owned() } else { self.who.to_string() };
        format!("{who} began {secs} s ago to {} (pid {})", self.what, self.pid)
    }
}

/// Why the lock was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody else has it.
    #[error("somebody else acts on this host")]
    Busy(Busy),
    /// The runtime folder cannot be used.
    #[error("{0}")]
    Failed(Failure),
}

/// That nobody else acts. It ends with this value, and with the process.
#[derive(Debug)]
#[must_use = "without it somebody else may act"]
pub struct Lock {
    file: File,
    content: Content,
}

impl Lock {
    /// Takes the lock, without waiting.
    ///
    /// # Errors
    /// [`Refused::Busy`] says who has it.
    pub fn take(_permit: &Permit, tools: &Tools, purpose: Purpose) -> Result<Self, Refused> {
        let fail = |error: &dyn std::fmt::Display| {
            let words = Text::new(error.to_string());
            Refused::Failed(Failure::Refused(format!("cannot keep others from acting: {words}")))
        };
        let folder = OwnFolder::make(&tools.runtime, 0o755).map_err(|error| fail(&error))?;
        folder.share().map_err(|error| fail(&error))?;
        let file = folder.keep(FILE, 0o644).map_err(|error| fail(&error))?;
        if !own_folder::lock(&file, false).map_err(|error| fail(&error))? {
            let unknown = Busy {
                who: Text::default(),
                what: Text::new("act"),
                whom: Text::default(),
                at: clock::now().wall,
                pid: 0,
            };
            return Err(Refused::Busy(actor(tools).unwrap_or(unknown)));
        }
        let pid = std::process::id();
        let Purpose { user, what, whom } = purpose;
        let content = Content {
            pid,
            start_ticks: proc::stat(pid).map_or(0, |stat| stat.start_ticks),
            user,
            what,
            whom,
            at: clock::now().wall,
            stage: Text::default(),
        };
        let mut lock = Self { file, content };
        lock.store().map_err(|error| fail(&error))?;
        Ok(lock)
    }

    /// Says how far it is, for those who look; nobody is hurt when that cannot be written.
    pub fn note(&mut self, stage: &str) {
        self.content.stage = Text::new(stage);
        let _ = self.store();
    }

    fn store(&mut self) -> std::io::Result<()> {
        let json = serde_json::to_vec(&self.content).map_err(std::io::Error::other)?;
        // A reader may come in between; what it cannot read, it takes for nobody.
        self.file.seek(SeekFrom::Start(0))?;
        self.file.set_len(0)?;
        self.file.write_all(&json)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays: removing it would let two hold two files of one name.
        let _ = self.file.set_len(0);
    }
}

/// Who acts on this host now, if anybody; reading takes no lock. What a dead process left is
/// nobody.
pub fn actor(tools: &Tools) -> Option<Busy> {
    let bytes = own_folder::read_public(&tools.runtime, FILE, LIMIT).ok()?;
    let content: Content = serde_json::from_slice(&bytes).ok()?;
    let lives = proc::stat(content.pid).ok()?.start_ticks == content.start_ticks;
    let what = if content.stage.is_empty() {
        content.what
    } else {
        Text::new(format!("{}, {}", content.what.raw(), content.stage.raw()))
    };
    lives.then_some(Busy {
        who: content.user,
        what,
        whom: content.whom,
        at: content.at,
        pid: content.pid,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::action::Authority;

    fn permit() -> Permit {
        Authority { readonly: false, setuid: false }.grant().unwrap()
    }

    fn tools(dir: &std::path::Path) -> Tools {
        Tools {
            bus: String::new(),
            docker: None,
            state: dir.join("state"),
            runtime: dir.join("run"),
        }
    }

    fn purpose() -> Purpose {
        Purpose {
            user: Text::new("anna"),
            what: Text::new("restart php8.2-fpm.service"),
            whom: Text::new("php8.2-fpm.service"),
        }
    }

    #[test]
    fn the_second_actor_is_told_who_the_first_is_until_that_one_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(dir.path());
        assert_eq!(actor(&tools), None);
        let mut lock = Lock::take(&permit(), &tools, purpose()).unwrap();
        lock.note("verifying");
        let Err(Refused::Busy(busy)) = Lock::take(&permit(), &tools, purpose()) else { panic!() };
        let later = Wall(busy.at.0 + 40_000_000);
        let expected = format!(
            "anna began 40 s ago to restart php8.2-fpm.service, verifying (pid {})",
            std::process::id()
        );
        assert_eq!(busy.words(later), expected);
        drop(lock);
        assert_eq!(actor(&tools), None);
        drop(Lock::take(&permit(), &tools, purpose()).unwrap());
    }

    #[test]
    fn what_a_dead_process_left_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(dir.path());
        drop(Lock::take(&permit(), &tools, purpose()).unwrap());
        let pid = std::process::id();
        let left = format!(
            r#"{{"pid":{pid},"start_ticks":1,"user":"x","what":"y","whom":"z","at":1,"stage":""}}"#
        );
        std::fs::write(tools.runtime.join(FILE), left).unwrap();
        assert_eq!(actor(&tools), None);
        drop(Lock::take(&permit(), &tools, purpose()).unwrap());
    }

    proptest! {
        #[test]
        fn no_content_makes_a_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let dir = tempfile::tempdir().unwrap();
            let tools = tools(dir.path());
            std::fs::create_dir(&tools.runtime).unwrap();
            std::fs::write(tools.runtime.join(FILE), bytes).unwrap();
            prop_assert_eq!(actor(&tools), None);
        }
    }
}
