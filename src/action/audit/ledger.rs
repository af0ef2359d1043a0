//! Writing records.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    thread,
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    action::{Failure, Permit, Tools},
    host::{
        clock, journald,
        own_folder::{self, OwnFolder},
        proc,
    },
    remedy::Digest,
};

use super::{Body, Intent, Outcome, Phase, Torn, chain};

pub(super) const VERSION: u32 = 1;
pub(super) const FILE: &str = "audit.jsonl";
/// Number and hash of the newest record, beside it: a file that was cut off is noticed.
pub(super) const HEAD: &str = "audit.head";
/// Longest record, in bytes.
pub(super) const LINE: u64 = 256 * 1024;
/// How long another process may hold the file, in looks ten milliseconds apart.
const LOOKS: u32 = 200;

/// Where records are written.
#[derive(Debug)]
pub struct Audit {
    folder: OwnFolder,
    /// Whether the machine's journal keeps the hashes too: what is done in practice is none of its.
    anchored: bool,
}

/// That an intent is on disk. There is one way to it, and nothing acts without it:
///
/// ```compile_fail
/// let recorded = gatemedic::action::audit::Recorded { sequence: 1 };
/// ```
#[derive(Debug)]
#[must_use = "what was recorded must be carried out or concluded"]
pub struct Recorded {
    sequence: u64,
}

impl Recorded {
    /// Its number.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}

fn refuse(error: impl std::fmt::Display) -> Failure {
    let words = crate::observation::Text::new(error.to_string());
    Failure::Refused(format!("cannot record what is done, so it is not done: {words}"))
}

impl Audit {
    /// Opens the records, and makes their folder when there is none.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the folder is not ours alone or cannot be written to.
    pub fn open(_permit: &Permit, tools: &Tools) -> Result<Self, Failure> {
        let folder = OwnFolder::make(&tools.state, 0o700).map_err(refuse)?;
        folder.append(FILE, 0o600).map_err(refuse)?;
        Ok(Self { folder, anchored: !tools.bus.is_empty() })
    }

    /// Records what is going to be done. The disk has it when this returns.
    ///
    /// # Errors
    /// [`Failure::Refused`]: then it is not done.
    pub fn record(&self, intent: &Intent) -> Result<Recorded, Failure> {
        let sequence = self.append(Phase::Intent(Box::new(intent.clone()))).map_err(refuse)?;
        Ok(Recorded { sequence })
    }

    /// Records what came of it.
    ///
    /// # Errors
    /// [`Failure::Refused`]; what was done stays done.
    pub fn conclude(&self, recorded: &Recorded, outcome: &Outcome) -> Result<u64, Failure> {
        let outcome = outcome.clone().bounded();
        self.append(Phase::Result { of: recorded.sequence, outcome })
            .map_err(|error| Failure::Refused(format!("the result cannot be recorded: {error}")))
    }

    fn append(&self, phase: Phase) -> io::Result<u64> {
        let mut file = self.folder.append(FILE, 0o600)?;
        wait_for(&file)?;
        let tail = tail(&mut file)?;
        let now = clock::now();
        let at = Timestamp::from_microsecond(now.wall.0).map_err(io::Error::other)?;
        let body = Body {
            version: VERSION,
            sequence: tail.sequence + 1,
            previous: tail.hash,
            at: at.to_string(),
            boot_us: now.boot.0,
            boot: proc::boot_id(),
            torn: tail.torn,
            phase,
        };
        let (line, hash) = chain::seal(&body).map_err(io::Error::other)?;
        if line.len() as u64 > LINE {
            return Err(io::Error::other("the record is too long"));
        }
        // An unfinished line is ended first; one write holds all of it.
        let lead = if tail.unfinished { "\n" } else { "" };
        let whole = format!("{lead}{line}\n");
        let written = file.write(whole.as_bytes())?;
        if written < whole.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        file.sync_all()?;
        self.folder.put(HEAD, format!("{} {hash}\n", body.sequence).as_bytes())?;
        self.folder.sync()?;
        // Whoever cuts the file off does not reach the journal by it.
        if self.anchored {
            journald::note(&format!("audit record {} {hash}", body.sequence));
        }
        Ok(body.sequence)
    }
}

fn wait_for(file: &File) -> io::Result<()> {
    for _ in 0..LOOKS {
        if own_folder::lock(file, false)? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("another process holds the audit"))
}

/// How the file ends.
struct Tail {
    sequence: u64,
    hash: String,
    unfinished: bool,
    torn: Option<Torn>,
}

/// Reads the end of the file: the last record, and whether a line after it was never finished.
fn tail(file: &mut File) -> io::Result<Tail> {
    let size = file.metadata()?.len();
    // Two lines: an unfinished one and the last whole one, with their newlines.
    let start = size.saturating_sub(2 * LINE + 2);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(2 * LINE + 2).read_to_end(&mut bytes)?;
    let unfinished = !bytes.is_empty() && bytes.last() != Some(&b'\n');
    let mut lines = bytes.split(|b| *b == b'\n').rev();
    // What stands behind the last newline: nothing, when all is well.
    let rest = lines.next().unwrap_or_default();
    let whole = std::str::from_utf8(rest).ok().and_then(|rest| chain::open(rest).ok());
    if let Some(record) = whole {
        let (sequence, hash) = (record.body.sequence, record.hash);
        return Ok(Tail { sequence, hash, unfinished, torn: None });
    }
    let torn = unfinished.then(|| Torn { bytes: rest.len() as u64, digest: Digest::of(rest) });
    let Some(last) = lines.next() else {
        if start > 0 {
            return Err(io::Error::other("the last record cannot be found"));
        }
        let hash = chain::GENESIS.to_owned();
        return Ok(Tail { sequence: 0, hash, unfinished, torn });
    };
    let last = std::str::from_utf8(last).map_err(|_| "it is no text").and_then(chain::open);
    let last = last.map_err(|why| {
        io::Error::other(format!(
            "the last record of {FILE} is damaged: {why}; see gatemedic audit"
        ))
    })?;
    Ok(Tail { sequence: last.body.sequence, hash: last.hash, unfinished, torn })
}
