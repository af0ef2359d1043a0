//! What dnf did, by its own databases: those of dnf 4 and dnf 5 hold the same in other shapes. Unlike its
//! log they say who asked for what.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Row, types::ValueRef};

use super::{
    package::{Deed, Manager, PackageEvent},
    stamp,
};
use crate::{
    host::{
        files::{FileError, Root},
        sqlite,
    },
    observation::Wall,
    source::sweep::Blindness,
};

/// Largest database that is read, in bytes.
const LARGEST: u64 = 24 << 20;
/// Longest time that one may take.
const LIMIT: Duration = Duration::from_secs(1);
/// Packages read of one database, the newest.
const ROWS: usize = 5_000;
/// Longest text of one that is looked at, in bytes.
const WORD: usize = 512;
const HIDES: &str = "which packages changed before the incident, and who asked for it";

/// Where each is, and who writes it.
const PLACES: [(&str, Kind); 2] = [
    ("/usr/lib/sysimage/libdnf5/transaction_history.sqlite", Kind::Five),
    ("/var/lib/dnf/history.sqlite", Kind::Four),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Four,
    Five,
}

/// What one item of a transaction did with its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Did(Deed),
    /// What was there before: it gives the other item its old version.
    Gave,
    Nothing,
}

impl Kind {
    /// The numbers are those of `TransactionItemAction`.
    const fn action(self, number: i64) -> Action {
        match (self, number) {
            (Self::Four, 1 | 4 | 9) | (Self::Five, 1 | 4) => Action::Did(Deed::Installed),
            (Self::Four, 6) | (Self::Five, 2) => Action::Did(Deed::Upgraded),
            (Self::Four, 2) | (Self::Five, 3) => Action::Did(Deed::Downgraded),
            (Self::Four, 5 | 8) | (Self::Five, 5) => Action::Did(Deed::Removed),
            (Self::Four, 3 | 7) | (Self::Five, 6) => Action::Gave,
            _ => Action::Nothing,
        }
    }

    /// The same question in the shapes that the tables have had; the first that fits is asked.
    fn questions(self) -> Vec<String> {
        let ask = |action: &str, done: &str, command: &str, name: &str, join: &str| {
            format!(
                "SELECT t.id, t.dt_begin, t.user_id, t.{command}, i.{action}, {name}, r.epoch, \
                 r.version, r.release FROM trans t JOIN trans_item i ON i.trans_id = t.id \
                 JOIN rpm r ON r.item_id = i.item_id {join} \
                 WHERE t.dt_begin >= ?1 AND i.{done} ORDER BY t.id DESC, i.id DESC LIMIT {ROWS}"
            )
        };
        match self {
            Self::Four => ["state <> 2", "done = 1"]
                .map(|done| ask("action", done, "cmdline", "r.name", ""))
                .to_vec(),
            Self::Five => {
                let names = [
                    ("n.name", "JOIN pkg_names n ON n.id = r.name_id"),
                    ("n.name", "JOIN pkg_name n ON n.id = r.name_id"),
                    ("r.name", ""),
                ];
                let commands = ["description", "cmdline"];
                names
                    .iter()
                    .flat_map(|(name, join)| {
                        commands
                            .map(|command| ask("action_id", "state_id <> 3", command, name, join))
                    })
                    .collect()
            }
        }
    }
}

/// Events since a time by the databases that are there; `None` where none could be read, and dnf's
/// log has to do.
pub(super) fn read(
    root: &Root,
    since: Wall,
    blind: &mut Blindness,
) -> Option<Vec<(Manager, String, Vec<PackageEvent>)>> {
    let mut found = None;
    for (path, kind) in PLACES {
        let events = match of_file(root, Path::new(path), kind, since) {
            Ok(events) => events,
            Err(Trouble::File(FileError::Missing)) => continue,
            Err(trouble) => {
                let grant = match trouble {
                    Trouble::File(FileError::Denied) => {
                        "run as root, or grant read access to this file"
                    }
                    _ => "",
                };
                blind.add(path, &trouble.to_string(), HIDES, grant);
                continue;
            }
        };
        let all = found.get_or_insert_with(Vec::new);
        if !events.is_empty() {
            all.push((Manager::Dnf, path.to_owned(), events));
        }
    }
    found
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("it is being written, or broken")]
    Torn,
    #[error("its tables are not those of dnf")]
    Foreign,
    #[error("it cannot be read as a database: {0}")]
    Database(#[from] rusqlite::Error),
}

fn of_file(
    root: &Root,
    path: &Path,
    kind: Kind,
    since: Wall,
) -> Result<Vec<PackageEvent>, Trouble> {
    let stat = root.stat(path, true)?;
    // The newest pages of one that is written with a write-ahead log lie beside it.
    let beside = format!("{}-wal", path.display());
    let newest = root
        .stat(&beside, true)
        .map_or(stamp::modified(&stat), |wal| stamp::modified(&wal).max(stamp::modified(&stat)));
    if newest < since {
        return Ok(Vec::new());
    }
    let bytes = root.read(path, LARGEST)?;
    if !sqlite::is_whole(&bytes) {
        return Err(Trouble::Torn);
    }
    let db = sqlite::in_memory(bytes, LIMIT)?;
    of_database(&db, kind, since)
}

fn of_database(db: &Connection, kind: Kind, since: Wall) -> Result<Vec<PackageEvent>, Trouble> {
    let questions = kind.questions();
    let mut question =
        questions.iter().find_map(|text| db.prepare(text).ok()).ok_or(Trouble::Foreign)?;
    let mut rows = question.query([since.0.div_euclid(1_000_000)])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.extend(item(row, kind));
    }
    Ok(joined(&items))
}

/// One package of one transaction.
#[derive(Debug)]
struct Item {
    transaction: i64,
    at: Wall,
    by: String,
    action: Action,
    name: String,
    version: String,
}

/// A row, if it makes sense.
fn item(row: &Row<'_>, kind: Kind) -> Option<Item> {
    let number = |at: usize| row.get_ref(at).ok().and_then(|value| value.as_i64().ok());
    let word = |at: usize| match row.get_ref(at) {
        Ok(ValueRef::Text(bytes)) => {
            let bytes = bytes.get(..WORD).unwrap_or(bytes);
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => None,
    };
    let epoch = match number(6) {
        None | Some(0) => String::new(),
        Some(epoch) => format!("{epoch}:"),
    };
    let command = word(3).unwrap_or_default();
    let command = match kind {
        // dnf 4 keeps its arguments alone.
        Kind::Four if !command.is_empty() && !command.contains("dnf") => format!("dnf {command}"),
        _ => command,
    };
    Some(Item {
        transaction: number(0)?,
        at: Wall::from_secs(number(1).filter(|secs| (0..1 << 40).contains(secs))?),
        by: who(number(2), &command),
        action: kind.action(number(4)?),
        name: word(5)?,
        version: format!("{epoch}{}-{}", word(7)?, word(8)?),
    })
}

/// The command and who asked; the number is the one that stands for nobody (`loginuid` unset).
fn who(user: Option<i64>, command: &str) -> String {
    const NOBODY: i64 = 0xffff_ffff;
    let user = match user {
        None | Some(-1 | NOBODY) => String::new(),
        Some(0) => "root".to_owned(),
        Some(id) => format!("user {id}"),
    };
    match (user.as_str(), command) {
        ("", command) => command.to_owned(),
        (user, "") => user.to_owned(),
        (user, command) => format!("{user}: {command}"),
    }
}

/// Items as events, oldest first: what was replaced gives its version to what came.
fn joined(items: &[Item]) -> Vec<PackageEvent> {
    let gave = items.iter().filter(|item| item.action == Action::Gave);
    let before: std::collections::HashMap<(i64, &str), &str> =
        gave.map(|item| ((item.transaction, item.name.as_str()), item.version.as_str())).collect();
    let event = |item: &Item| {
        let Action::Did(deed) = item.action else { return None };
        let old = before.get(&(item.transaction, item.name.as_str())).copied().unwrap_or_default();
        let (from, to) = match deed {
            Deed::Removed => (item.version.as_str(), ""),
            Deed::Installed => ("", item.version.as_str()),
            Deed::Upgraded | Deed::Downgraded => (old, item.version.as_str()),
        };
        let event = PackageEvent::new(item.at, deed, &item.name, from, to)?;
        Some(PackageEvent { by: item.by.clone(), ..event })
    };
    items.iter().rev().filter_map(event).collect()
}

#[cfg(test)]
#[path = "dnf_history_tests.rs"]
mod tests;
