//! All followed logs together: which files share descriptors and memory, and what is blind.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use crate::{
    host::files::Root,
    observation::{BlindSpot, LogKind, LogTarget, Moment, Seen, SourceId, Text},
};

use super::{
    destination::{Destination, destination},
    follower::Follower,
    found::{Backlog, Progress, Scratch, State},
    reader::LogReader,
    rotation::homes,
};

/// Descriptors held at a time.
pub const OPEN_FILES: usize = 256;
/// Logs followed at a time.
pub const LOGS: usize = 8192;
/// Bytes of the past that are read of all logs together.
const BACKLOG: u64 = 64 * 1024 * 1024;
/// Least of them for one log.
const LEAST_BACKLOG: u64 = 16 * 1024;

/// Blind spots told one by one.
const BLIND_SPOTS: usize = 64;

type Key = (Text, Text);

/// One file, however many targets name it.
#[derive(Debug)]
struct Followed {
    follower: Follower,
    reader: LogReader,
    targets: Vec<LogTarget>,
    /// Whether the last poll left more to read.
    more: bool,
    open: usize,
}

/// Follows many logs with bounded memory and descriptors.
#[derive(Debug)]
pub struct Pool {
    zone: TimeZone,
    backlog: Backlog,
    logs: BTreeMap<Key, Followed>,
    /// Targets that are no files.
    elsewhere: BTreeMap<Key, (Destination, LogKind)>,
    /// Logs by every path that an event can name.
    names: BTreeMap<PathBuf, BTreeSet<Key>>,
    /// Logs that hold descriptors, those opened first in front.
    opened: VecDeque<Key>,
    open: usize,
    refused: usize,
    scratch: Scratch,
}

impl Pool {
    /// A pool that follows nothing yet.
    pub fn new(zone: TimeZone, backlog: Backlog) -> Self {
        Self {
            zone,
            backlog,
            logs: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            names: BTreeMap::new(),
            opened: VecDeque::new(),
            open: 0,
            refused: 0,
            scratch: Scratch::default(),
        }
    }

    /// Follows exactly these. A log that was followed before keeps its position; what an ended
    /// one had counted is published.
    pub fn follow(&mut self, targets: &[LogTarget], out: &mut Vec<Seen>) {
        let mut wanted: BTreeMap<Key, Vec<&LogTarget>> = BTreeMap::new();
        for target in targets {
            wanted.entry((target.root.clone(), target.path.clone())).or_default().push(target);
        }
        self.refused = wanted.len().saturating_sub(LOGS);
        self.elsewhere.clear();
        let share = BACKLOG / (wanted.len().max(1) as u64);
        let bytes = self.backlog.bytes.min(share.max(LEAST_BACKLOG));
        let backlog = Backlog { bytes, ..self.backlog };
        let mut kept = BTreeMap::new();
        for (key, targets) in wanted.into_iter().take(LOGS) {
            let old = self.logs.remove(&key);
            if let Some(log) = self.one(&key, &targets, old, backlog, out) {
                kept.insert(key, log);
            }
        }
        for (_, mut ended) in std::mem::replace(&mut self.logs, kept) {
            ended.reader.flush(out);
        }
        self.opened.retain(|key| self.logs.contains_key(key));
        self.open = self.logs.values().map(|log| log.open).sum();
        self.index();
    }

    fn one(
        &mut self,
        key: &Key,
        targets: &[&LogTarget],
        old: Option<Followed>,
        backlog: Backlog,
        out: &mut Vec<Seen>,
    ) -> Option<Followed> {
        let root = Root::new(key.0.raw());
        let destination = destination(&root, key.1.raw());
        if destination != Destination::File {
            let kind = targets.first().map_or(LogKind::Error, |target| target.kind.clone());
            self.elsewhere.insert(key.clone(), (destination, kind));
            return None;
        }
        let same = |old: &Followed| old.targets.iter().eq(targets.iter().copied());
        match old {
            Some(old) if same(&old) => Some(old),
            Some(mut old) => {
                old.reader.flush(out);
                old.reader = LogReader::new(targets, self.zone.clone(), backlog.secs)?;
                old.targets = targets.iter().map(|target| (*target).clone()).collect();
                Some(old)
            }
            None => Some(Followed {
                follower: Follower::new(root, key.1.raw(), backlog),
                reader: LogReader::new(targets, self.zone.clone(), backlog.secs)?,
                targets: targets.iter().map(|target| (*target).clone()).collect(),
                more: true,
                open: 0,
            }),
        }
    }

    /// Finds anew by which paths the logs are reached: links may have been set elsewhere.
    pub fn index(&mut self) {
        self.names.clear();
        for (key, log) in &self.logs {
            for home in homes(log.follower.root(), log.follower.path()) {
                let seen = log.follower.root().seen_at(&home);
                self.names.entry(seen).or_default().insert(key.clone());
            }
        }
    }

    /// Every log.
    pub fn all(&self) -> BTreeSet<Key> {
        self.logs.keys().cloned().collect()
    }

    /// Logs that an event on `path` concerns: the log itself, or every log in a directory.
    pub fn concerned<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Key> {
        let inside = self
            .names
            .range(path.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(path))
            .filter(move |(name, _)| *name == path || name.parent() == Some(path));
        inside.flat_map(|(_, keys)| keys)
    }

    /// Logs that must be looked at without an event: those with more to read, and those whose
    /// rotated file may still be written under another name.
    pub fn pending(&self) -> BTreeSet<Key> {
        let pending = |log: &&Followed| log.more || log.follower.is_draining();
        let logs = self.logs.iter().filter(|(_, log)| pending(log));
        logs.map(|(key, _)| key.clone()).collect()
    }

    /// Whether a log is one of requests.
    pub fn is_access(&self, key: &Key) -> bool {
        self.logs.get(key).is_some_and(|log| log.reader.is_access())
    }

    /// Whether the last look at some log left more to read.
    pub fn has_more(&self) -> bool {
        self.logs.values().any(|log| log.more)
    }

    /// Directories to watch, in their roots.
    pub fn directories(&self) -> BTreeSet<(PathBuf, PathBuf)> {
        let mut out = BTreeSet::new();
        for log in self.logs.values() {
            let root = log.follower.root();
            for home in homes(root, log.follower.path()) {
                if let Some(parent) = home.parent() {
                    out.insert((root.prefix().to_owned(), parent.to_owned()));
                }
            }
        }
        out
    }

    /// Looks at one log and reads at most one round of it.
    pub fn poll(&mut self, key: &Key, now: Moment, out: &mut Vec<Seen>) -> Progress {
        let Some(log) = self.logs.get_mut(key) else { return Progress::Idle };
        let reader = &mut log.reader;
        let progress =
            log.follower.poll(now, &mut self.scratch, &mut |found| reader.take(found, now, out));
        log.more = progress == Progress::More;
        let open = log.follower.open_files();
        if log.open == 0 && open > 0 {
            self.opened.push_back(key.clone());
        }
        self.open = self.open + open - log.open;
        log.open = open;
        let mut kept = Vec::new();
        while self.open > OPEN_FILES {
            let Some(oldest) = self.opened.pop_front() else { break };
            self.give_back(&oldest, now, out);
            if self.logs.get(&oldest).is_some_and(|log| log.open > 0) {
                kept.push(oldest);
            }
        }
        self.opened.extend(kept);
        progress
    }

    fn give_back(&mut self, key: &Key, now: Moment, out: &mut Vec<Seen>) {
        let Some(log) = self.logs.get_mut(key) else { return };
        let reader = &mut log.reader;
        log.follower.give_back(&mut |found| reader.take(found, now, out));
        let open = log.follower.open_files();
        self.open = self.open + open - log.open;
        log.open = open;
    }

    /// Publishes the seconds of access logs that are over.
    pub fn settle(&mut self, now: Moment, out: &mut Vec<Seen>) {
        for log in self.logs.values_mut() {
            log.reader.settle(now.wall, out);
        }
    }

    /// Publishes everything that was counted.
    pub fn flush(&mut self, out: &mut Vec<Seen>) {
        for log in self.logs.values_mut() {
            log.reader.flush(out);
        }
    }

    /// Whether a second of some access log is still open.
    pub fn is_counting(&self) -> bool {
        self.logs.values().any(|log| log.reader.is_counting())
    }

    /// Whether the past of every log has been read.
    pub fn caught_up(&self) -> bool {
        self.logs.values().all(|log| log.follower.caught_up())
    }

    /// Descriptors held now.
    pub const fn open_files(&self) -> usize {
        self.open
    }

    /// Everything that is out of sight now, by what it is.
    pub fn blind_spots(&self) -> BTreeMap<Text, BlindSpot> {
        let mut spots = BTreeMap::new();
        let mut untold = 0_usize;
        let mut add = |what: String, why: &str, hides: &str, grant: &str| {
            let what = Text::new(what);
            let spot = BlindSpot {
                source: SourceId::Logs,
                what: what.clone(),
                why: Text::new(why),
                hides: Text::new(hides),
                grant: Text::new(grant),
            };
            if spots.len() < BLIND_SPOTS {
                spots.insert(what, spot);
            } else {
                untold += 1;
            }
        };
        for ((root, path), (destination, kind)) in &self.elsewhere {
            if let Some((why, grant)) = destination.blindness() {
                add(shown(root, path), why, hidden_by(kind), grant);
            }
        }
        for ((root, path), log) in &self.logs {
            let kind = log.targets.first().map_or(&LogKind::Error, |target| &target.kind);
            if let Some((why, grant)) = trouble_of(log.follower.state(), path.raw()) {
                add(shown(root, path), &why, hidden_by(kind), &grant);
            } else if let Some(why) = log.reader.trouble() {
                let grant = "write $status into the log_format, and reload after a change";
                add(shown(root, path), &why, hidden_by(kind), grant);
            }
        }
        if self.refused + untold > 0 {
            let what = Text::new(format!("{} further logs", self.refused + untold));
            let spot = BlindSpot {
                source: SourceId::Logs,
                what: what.clone(),
                why: Text::new("more logs are configured or unreadable than are listed"),
                hides: Text::new("what they hold"),
                grant: Text::default(),
            };
            spots.insert(what, spot);
        }
        spots
    }
}

fn shown(root: &Text, path: &Text) -> String {
    format!("{}{}", root.raw(), path.raw())
}

const fn hidden_by(kind: &LogKind) -> &'static str {
    match kind {
        LogKind::Error => "why requests failed, in the gateway's own words",
        LogKind::Access(_) => "which requests failed, and how many",
        LogKind::Application(_) => "what the application says about its failures",
    }
}

/// Why a path gives no lines, and what would open it.
fn trouble_of(state: &State, path: &str) -> Option<(String, String)> {
    match state {
        State::Unseen | State::Following => None,
        State::Missing => Some(("no such file".into(), String::new())),
        State::Denied => Some((
            "permission denied".into(),
            format!(
                "membership of the group that may read it (often adm), or: \
                 setfacl -m u:USER:r {path} (and x on its directories)"
            ),
        )),
        State::NotAFile(kind) => {
            Some((format!("a {}, not a regular file", kind.as_str()), String::new()))
        }
        State::Binary => Some(("binary, not parsed".into(), String::new())),
        State::Failed(why) => Some((why.clone(), String::new())),
    }
}
