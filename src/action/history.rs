//! What was done and can be taken back, kept beside the audit until newer deeds push it out.

use serde::{Deserialize, Serialize};

use crate::{
    host::own_folder::{FolderError, OwnFolder},
    remedy::{Digest, Plan},
};

use super::{Failure, Tools, hands::Undo};

/// Deeds that are kept.
const KEPT: usize = 50;
/// Longest record in bytes: drop-ins and plans are small, a whole edited file is not.
const LONGEST: u64 = 32 << 20;
/// Folder below the state folder.
const FOLDER: &str = "undo";

/// A deed that can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Version of this form.
    version: u32,
    /// Number of its intent in the audit.
    pub sequence: u64,
    /// What was done.
    pub plan: Plan,
    /// How it is taken back, in this order.
    pub undo: Vec<Undo>,
}

impl Deed {
    /// A deed.
    pub const fn new(sequence: u64, plan: Plan, undo: Vec<Undo>) -> Self {
        Self { version: 1, sequence, plan, undo }
    }

    /// Fingerprint of what taking it back would do.
    pub fn digest(&self) -> Digest {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Digest::of_parts(&[b"undo", &json])
    }
}

fn folder(tools: &Tools) -> Result<OwnFolder, Failure> {
    let wrap = |error: FolderError| Failure::Refused(error.to_string());
    OwnFolder::make(&tools.state, 0o700).and_then(|state| state.sub(FOLDER)).map_err(wrap)
}

fn name(sequence: u64) -> String {
    format!("{sequence:012}.json")
}

/// Keeps a deed. What cannot be kept cannot be taken back later, which does not undo the deed.
///
/// # Errors
/// [`Failure`].
pub fn keep(tools: &Tools, deed: &Deed) -> Result<(), Failure> {
    if deed.undo.is_empty() {
        return Ok(());
    }
    let folder = folder(tools)?;
    let json = serde_json::to_vec(deed).map_err(|error| Failure::Refused(error.to_string()))?;
    let io = |error: std::io::Error| Failure::Refused(error.to_string());
    folder.put(&name(deed.sequence), &json).map_err(io)?;
    let mut names = deeds(&folder)?;
    while names.len() > KEPT {
        folder.remove(&names.remove(0)).map_err(io)?;
    }
    Ok(())
}

/// Names of deeds, oldest first.
fn deeds(folder: &OwnFolder) -> Result<Vec<String>, Failure> {
    let names = folder.names().map_err(|error| Failure::Refused(error.to_string()))?;
    let mut names: Vec<String> = names.into_iter().filter(|n| n.ends_with(".json")).collect();
    names.sort();
    Ok(names)
}

/// The deed with a number, or the newest.
///
/// # Errors
/// [`Failure::Gone`] when there is none, [`Failure::Human`] when it was written by another version.
pub fn find(tools: &Tools, sequence: Option<u64>) -> Result<Deed, Failure> {
    let none = || Failure::Gone("there is nothing that could be taken back".to_owned());
    let folder = folder(tools)?;
    let name = match sequence {
        Some(sequence) => name(sequence),
        None => deeds(&folder)?.pop().ok_or_else(none)?,
    };
    let bytes = folder.read(&name, LONGEST).map_err(|_| none())?;
    let deed: Deed = serde_json::from_slice(&bytes).map_err(|error| {
        let place = tools.state.join(FOLDER).join(&name);
        Failure::Human(format!("{} cannot be read: {error}", place.display()))
    })?;
    if deed.version == 1 {
        Ok(deed)
    } else {
        Err(Failure::Human(format!("{name} was written by another version of gatemedic")))
    }
}

/// Forgets a deed that has been taken back.
///
/// # Errors
/// [`Failure`].
pub fn forget(tools: &Tools, sequence: u64) -> Result<(), Failure> {
    folder(tools)?.remove(&name(sequence)).map_err(|error| Failure::Refused(error.to_string()))
}
