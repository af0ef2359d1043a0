//! The budget of probes, shared by every gatemedic of one user on the host: at most one connect
//! per address in five seconds and twenty per second in all. A result that another process has
//! just learnt is used instead of asking again.

use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::own_folder::{self, OwnFolder};
use crate::observation::{Boot, ProbeOutcome, TlsAnswer, TlsFacts};

/// Microseconds between two connects to one address.
pub const ADDRESS_PAUSE: u64 = 5_000_000;
/// Microseconds between two greetings to one address.
pub const GREETING_PAUSE: u64 = 30_000_000;
/// Connects per second in all.
pub const PER_SECOND: usize = 20;
/// After this an answer that nobody wrote down will not come any more, microseconds.
const IN_FLIGHT: u64 = 2_500_000;
/// Most bytes of the shared file.
const MOST_BYTES: u64 = 256 * 1024;
/// Most entries kept.
const MOST_ENTRIES: usize = 1_024;

/// What a connect brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// Time until then, microseconds.
    pub micros: u64,
    /// What came back to a greeting.
    pub tls: Option<TlsAnswer>,
    /// What the handshake told.
    #[serde(default)]
    pub tls_facts: Option<Box<TlsFacts>>,
}

/// A wish to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Network place and address, the identity.
    pub key: String,
    /// Microseconds that must lie between two of them.
    pub pause: u64,
}

/// What the budget says to a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Connect now.
    Granted,
    /// It was asked within the pause; this came back.
    Known(Answer),
    /// Somebody is asking at this moment.
    InFlight,
    /// Too many in this second.
    Exhausted,
}

/// One connect, planned or done.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    at: u64,
    answer: Option<Answer>,
}

/// Everything asked of late.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    fn ask(&mut self, wish: &Wish, now: u64) -> Permit {
        let recent = self.entries.iter().rev().find(|e| e.key == wish.key);
        if let Some(entry) = recent {
            let age = now.saturating_sub(entry.at);
            match &entry.answer {
                Some(answer) if age < wish.pause => return Permit::Known(answer.clone()),
                None if age < IN_FLIGHT.min(wish.pause) => return Permit::InFlight,
                _ => {}
            }
        }
        let second = self.entries.iter().filter(|e| now.saturating_sub(e.at) < 1_000_000).count();
        if second >= PER_SECOND {
            return Permit::Exhausted;
        }
        self.entries.retain(|e| e.key != wish.key);
        self.entries.push(Entry { key: wish.key.clone(), at: now, answer: None });
        Permit::Granted
    }

    fn record(&mut self, key: &str, answer: &Answer) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|e| e.key == key) {
            entry.answer = Some(answer.clone());
        }
    }

    /// Drops what is too old to matter, and what lies in the future of this boot.
    fn prune(&mut self, now: u64) {
        self.entries.retain(|e| e.at <= now && now - e.at < GREETING_PAUSE);
        let over = self.entries.len().saturating_sub(MOST_ENTRIES);
        self.entries.drain(..over);
    }
}

/// The budget: in a shared file where one can be kept, else of this process alone.
#[derive(Debug, Default)]
pub struct Budget {
    folder: Option<PathBuf>,
    own: Ledger,
}

impl Budget {
    /// The budget that all processes of this user share: below `/run`, gone with the next boot.
    pub fn shared() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let parent =
            if uid == 0 { PathBuf::from("/run") } else { format!("/run/user/{uid}").into() };
        Self { folder: Some(parent.join("gatemedic")), own: Ledger::default() }
    }

    /// A budget kept below a folder of one's own.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), own: Ledger::default() }
    }

    /// Asks for several connects at once. May wait 50 ms for other processes.
    pub fn ask(&mut self, wishes: &[Wish], now: Boot) -> Vec<Permit> {
        self.with(now.0, |ledger| wishes.iter().map(|wish| ledger.ask(wish, now.0)).collect())
    }

    /// Writes down what came back. May wait 50 ms for other processes.
    pub fn record(&mut self, answers: &[(String, Answer)], now: Boot) {
        self.with(now.0, |ledger| {
            for (key, answer) in answers {
                ledger.record(key, answer);
            }
        });
    }

    fn with<T>(&mut self, now: u64, work: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut file = self.folder.as_deref().and_then(open);
        let mut ledger = file.as_mut().and_then(read).unwrap_or_default();
        if file.is_none() {
            std::mem::swap(&mut ledger, &mut self.own);
        }
        ledger.prune(now);
        let result = work(&mut ledger);
        match &mut file {
            Some(file) => drop(write(file, &ledger)),
            None => self.own = ledger,
        }
        result
    }
}

/// Opens and locks the file in a folder that is ours alone; `None` when there can be none.
fn open(folder: &Path) -> Option<File> {
    let file = OwnFolder::make(folder, 0o700).ok()?.keep("probes.json", 0o600).ok()?;
    for _ in 0..10 {
        match own_folder::lock(&file, false) {
            Ok(true) => return Some(file),
            Ok(false) => std::thread::sleep(Duration::from_millis(5)),
            Err(_) => return None,
        }
    }
    None
}

/// `None` for a file that is not ours to understand: the budget then starts anew.
fn read(file: &mut File) -> Option<Ledger> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn write(file: &mut File, ledger: &Ledger) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(ledger)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(key: &str) -> Wish {
        Wish { key: key.to_owned(), pause: ADDRESS_PAUSE }
    }

    fn answer() -> Answer {
        Answer { outcome: ProbeOutcome::Refused, micros: 12, tls: None, tls_facts: None }
    }

    const T: u64 = 1_000_000_000;

    #[test]
    fn one_address_is_asked_once_in_five_seconds_and_its_answer_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let (mut a, mut b) = (Budget::at(folder.path()), Budget::at(folder.path()));
        assert_eq!(a.ask(&[wish("x")], Boot(T)), [Permit::Granted]);
        assert_eq!(b.ask(&[wish("x")], Boot(T + 1)), [Permit::InFlight]);
        a.record(&[("x".to_owned(), answer())], Boot(T + 2));
        assert_eq!(b.ask(&[wish("x")], Boot(T + 3)), [Permit::Known(answer())]);
        assert_eq!(b.ask(&[wish("x")], Boot(T + ADDRESS_PAUSE)), [Permit::Granted]);
    }

    #[test]
    fn twenty_a_second_are_granted_over_all_processes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut a, mut b) = (Budget::at(folder.path()), Budget::at(folder.path()));
        let wishes: Vec<Wish> = (0..15).map(|n| wish(&n.to_string())).collect();
        let others: Vec<Wish> = (20..35).map(|n| wish(&n.to_string())).collect();
        let granted = |list: Vec<Permit>| list.iter().filter(|p| **p == Permit::Granted).count();
        assert_eq!(granted(a.ask(&wishes, Boot(T))), 15);
        assert_eq!(granted(b.ask(&others, Boot(T + 1))), 5);
        assert_eq!(granted(b.ask(&others, Boot(T + 1_000_000))), 10 + 5 - 5);
    }

    #[test]
    fn a_torn_or_hostile_file_starts_a_new_budget() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("probes.json"), b"{\"entries\": [{\"key\"").unwrap();
        let mut budget = Budget::at(folder.path());
        assert_eq!(budget.ask(&[wish("x")], Boot(T)), [Permit::Granted]);
        assert_eq!(budget.ask(&[wish("x")], Boot(T + 1)), [Permit::InFlight]);
    }

    #[test]
    fn without_a_folder_the_process_keeps_its_own_budget() {
        let mut budget = Budget::at("/proc/nowhere");
        assert_eq!(budget.ask(&[wish("x")], Boot(T)), [Permit::Granted]);
        assert_eq!(budget.ask(&[wish("x")], Boot(T + 1)), [Permit::InFlight]);
    }

    #[test]
    fn an_entry_from_another_boot_does_not_block() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.ask(&wish("x"), T), Permit::Granted);
        ledger.prune(5);
        assert_eq!(ledger.ask(&wish("x"), 5), Permit::Granted);
    }
}
