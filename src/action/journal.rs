//! What is under way, written down before a file is touched and struck out when it is settled: what
//! is left here when a process was killed is offered for recovery.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    host::{
        clock,
        edit_file::Held,
        own_folder::{FolderError, OwnFolder},
        proc,
    },
    observation::{Text, Wall},
    remedy::Digest,
};

use super::{Failure, Permit, Tools, edit, hands::Undo};

/// Version of a record. Another one is shown and not acted on.
const VERSION: u32 = 1;
/// The folder below the state folder.
const FOLDER: &str = "pending";
/// Largest record, in bytes.
const LIMIT: u64 = 64 * 1024;
/// Records that are looked at.
const MOST: usize = 256;

/// What is going to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    /// The file, without links.
    pub(super) file: Text,
    /// Prefix under which it is seen.
    pub(super) root: Text,
    /// What stands there.
    pub(super) old: Digest,
    /// What will stand there.
    pub(super) new: Digest,
    /// Name of the copy.
    pub(super) backup: String,
    /// Digest of the plan.
    pub(super) plan: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    version: u32,
    id: String,
    file: Text,
    root: Text,
    old: Digest,
    new: Digest,
    backup: String,
    plan: Digest,
    at: Wall,
    executor: Executor,
    /// Whether the write is known to have ended well.
    written: bool,
}

/// A process, told apart from others that get its pid later, also after a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Executor {
    pid: u32,
    start_ticks: u64,
    boot: Text,
}

impl Executor {
    fn own() -> Self {
        let pid = std::process::id();
        let start_ticks = proc::stat(pid).map_or(0, |stat| stat.start_ticks);
        Self { pid, start_ticks, boot: proc::boot_id() }
    }

    fn lives(&self) -> bool {
        self.boot == proc::boot_id()
            && proc::stat(self.pid).is_ok_and(|stat| stat.start_ticks == self.start_ticks)
    }
}

/// An edit that is under way.
#[derive(Debug)]
pub(super) struct Entry {
    folder: OwnFolder,
    record: Record,
}

fn refuse(error: impl std::fmt::Display) -> Failure {
    let words = Text::new(error.to_string());
    Failure::Refused(format!("cannot write down what is going to be done, so it is not: {words}"))
}

impl Entry {
    /// Writes an intent down; the disk has it when this returns.
    pub(super) fn begin(tools: &Tools, intent: Intent) -> Result<Self, Failure> {
        let state = OwnFolder::make(&tools.state, 0o700).map_err(refuse)?;
        let folder = state.sub(FOLDER).map_err(refuse)?;
        let executor = Executor::own();
        let now = clock::now();
        let id = Digest::of_parts(&[
            &now.boot.0.to_be_bytes(),
            &now.wall.0.to_be_bytes(),
            &executor.pid.to_be_bytes(),
            intent.file.raw().as_bytes(),
        ]);
        let id: String = id.to_string().chars().take(16).collect();
        let Intent { file, root, old, new, backup, plan } = intent;
        let at = now.wall;
        let record = Record {
            version: VERSION,
            id,
            file,
            root,
            old,
            new,
            backup,
            plan,
            at,
            executor,
            written: false,
        };
        let entry = Self { folder, record };
        entry.store().map_err(refuse)?;
        Ok(entry)
    }

    fn name(&self) -> String {
        format!("{}.json", self.record.id)
    }

    fn store(&self) -> io::Result<()> {
        let mut json = serde_json::to_vec(&self.record).map_err(io::Error::other)?;
        json.push(b'\n');
        self.folder.put(&self.name(), &json)
    }

    pub(super) fn id(&self) -> &str {
        &self.record.id
    }

    pub(super) fn backup(&self) -> &str {
        &self.record.backup
    }

    pub(super) const fn written(&self) -> Digest {
        self.record.new
    }

    /// The file has its new content.
    pub(super) fn note_written(&mut self) -> io::Result<()> {
        self.record.written = true;
        self.store()
    }

    /// Nothing is left to recover.
    pub(super) fn settle(self) -> Result<(), Failure> {
        self.folder.remove(&self.name()).map_err(|error| {
            Failure::Refused(format!(
                "cannot strike out {} in the journal: {error}",
                self.record.id
            ))
        })
    }
}

/// What stands on disk after an edit that was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// Exactly what stood there before.
    Old,
    /// Exactly what was to be written.
    New,
    /// Something else: somebody edited it since, or a write in place broke off.
    Other,
    /// It cannot be looked at.
    Unknown,
}

/// An edit whose process ended before it was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// Its id in the journal.
    pub id: String,
    /// The file.
    pub file: Text,
    /// When it began.
    pub at: Option<Wall>,
    /// What stands there now.
    pub on_disk: OnDisk,
    /// All this in a sentence.
    pub words: String,
    /// How it is taken back; `None` when there is nothing to take back, or only a person can tell.
    pub undo: Option<Undo>,
    /// Commands for a person.
    pub by_hand: Vec<String>,
}

/// Edits that were broken off: their process is gone and nobody settled them. Nothing is changed.
pub fn interrupted(tools: &Tools) -> Vec<Interrupted> {
    let dead = |entry: &Found| match entry {
        Found::Known(record) => !record.executor.lives(),
        Found::Strange(_) => true,
    };
    let found = records(tools).into_iter().filter(dead);
    found.map(|entry| entry.describe(tools)).collect()
}

/// Takes a broken-off edit back and strikes it out: the file becomes exactly the old one.
///
/// # Errors
/// [`Failure::Changed`] when somebody edited the file since, [`Failure::Human`] when only a person
/// can tell.
pub fn recover(
    permit: &Permit,
    tools: &Tools,
    interrupted: &Interrupted,
) -> Result<String, Failure> {
    let record = own(tools, &interrupted.id)?;
    let (file, root) = (Path::new(record.file.raw()), Path::new(record.root.raw()));
    let mut half = false;
    if let Ok(held) = Held::find(root, file) {
        held.sweep(&record.id);
        // A write over the live file that never ended is ours, whatever it left.
        half = !record.written && held.is_in_place();
    }
    let ours = |now| half || now == record.new;
    let words = edit::put_back(permit, tools, &record.file, &record.root, &record.backup, ours)?;
    strike(tools, &record.id)?;
    Ok(words)
}

/// Leaves a broken-off edit as it is and strikes it out.
///
/// # Errors
/// When the journal cannot be changed.
pub fn forget(_permit: &Permit, tools: &Tools, interrupted: &Interrupted) -> Result<(), Failure> {
    if let Ok(record) = own(tools, &interrupted.id)
        && let Ok(held) = Held::find(Path::new(record.root.raw()), Path::new(record.file.raw()))
    {
        held.sweep(&record.id);
    }
    strike(tools, &interrupted.id)
}

/// Strikes out edits that were broken off before they changed anything. What cannot be struck out is
/// shown once more.
pub fn strike_untouched(permit: &Permit, tools: &Tools) {
    for one in interrupted(tools).iter().filter(|one| one.on_disk == OnDisk::Old) {
        drop(forget(permit, tools, one));
    }
}

/// Names of copies that a broken-off edit may still need.
pub(super) fn needed_backups(tools: &Tools) -> Vec<String> {
    let name = |entry: Found| match entry {
        Found::Known(record) => Some(record.backup),
        Found::Strange(_) => None,
    };
    records(tools).into_iter().filter_map(name).collect()
}

enum Found {
    Known(Box<Record>),
    /// Of another version, or damaged: its id.
    Strange(String),
}

fn folder(tools: &Tools) -> Result<OwnFolder, FolderError> {
    OwnFolder::open(&tools.state)?;
    OwnFolder::open(&tools.state.join(FOLDER))
}

fn records(tools: &Tools) -> Vec<Found> {
    let Ok(folder) = folder(tools) else { return Vec::new() };
    let names = folder.names().unwrap_or_default();
    let ids = names.iter().filter_map(|name| name.strip_suffix(".json")).take(MOST);
    ids.map(|id| load(&folder, id)).collect()
}

fn load(folder: &OwnFolder, id: &str) -> Found {
    let record = folder
        .read(&format!("{id}.json"), LIMIT)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok())
        .filter(|record| record.version == VERSION && record.id == id);
    match record {
        Some(record) => Found::Known(Box::new(record)),
        None => Found::Strange(id.to_owned()),
    }
}

fn own(tools: &Tools, id: &str) -> Result<Record, Failure> {
    let valid = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
    let folder = folder(tools).map_err(|error| Failure::Gone(error.to_string()))?;
    match if valid { load(&folder, id) } else { Found::Strange(id.to_owned()) } {
        Found::Known(record) => Ok(*record),
        Found::Strange(id) => Err(Failure::Human(format!(
            "the record {} was written by another version, or is damaged: nothing is done with it",
            Text::new(id)
        ))),
    }
}

fn strike(tools: &Tools, id: &str) -> Result<(), Failure> {
    let folder = folder(tools).map_err(|error| Failure::Gone(error.to_string()))?;
    if id.contains('/') {
        return Err(Failure::Gone("no such record".to_owned()));
    }
    folder.remove(&format!("{id}.json")).map_err(refuse)
}

impl Found {
    fn describe(&self, tools: &Tools) -> Interrupted {
        match self {
            Self::Known(record) => record.describe(tools),
            Self::Strange(id) => {
                let path = tools.state.join(FOLDER).join(format!("{id}.json"));
                let path = Text::from_bytes(path.as_os_str().as_encoded_bytes());
                let copies = edit::backup_path(tools, "");
                Interrupted {
                    id: id.clone(),
                    file: Text::default(),
                    at: None,
                    on_disk: OnDisk::Unknown,
                    words: format!(
                        "{path} was written by another version of gatemedic, or is damaged: it names \
                         a file that may have been edited"
                    ),
                    undo: None,
                    by_hand: vec![
                        format!("cat {path}"),
                        format!("ls -l {copies}"),
                        format!("rm {path}"),
                    ],
                }
            }
        }
    }
}

impl Record {
    fn describe(&self, tools: &Tools) -> Interrupted {
        let held = Held::find(Path::new(self.root.raw()), Path::new(self.file.raw()));
        let in_place = held.as_ref().is_ok_and(Held::is_in_place);
        let on_disk = match held {
            Ok(held) if held.digest() == self.old => OnDisk::Old,
            Ok(held) if held.digest() == self.new => OnDisk::New,
            Ok(_) => OnDisk::Other,
            Err(_) => OnDisk::Unknown,
        };
        let file = &self.file;
        let half = on_disk == OnDisk::Other && in_place && !self.written;
        let stands = match on_disk {
            OnDisk::Old => "the old content stands there, nothing was changed",
            OnDisk::New => "the new content stands there, and nobody has said that it is kept",
            OnDisk::Other if half => "it was written in part",
            OnDisk::Other => "somebody has changed it since",
            OnDisk::Unknown => "it cannot be looked at now",
        };
        let undo = (on_disk == OnDisk::New || half).then(|| Undo::RestoreFile {
            file: file.clone(),
            root: self.root.clone(),
            backup: self.backup.clone(),
            written: self.new,
        });
        let copy = edit::backup_path(tools, &self.backup);
        Interrupted {
            id: self.id.clone(),
            file: file.clone(),
            at: Some(self.at),
            on_disk,
            words: format!("an edit of {file} was broken off: {stands}"),
            undo,
            by_hand: vec![format!("diff {copy} {file}"), format!("cp {copy} {file}")],
        }
    }
}
