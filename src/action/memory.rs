//! What a session wants to know again at its next start: where a person stood in the wizard.

use crate::host::own_folder::OwnFolder;

use super::Tools;

/// Name below the state folder.
const NAME: &str = "wizard.json";
/// Longest memory in bytes.
const LONGEST: u64 = 1 << 20;

/// Keeps a text. Nothing depends on it: what cannot be kept is forgotten.
pub fn keep(tools: &Tools, text: &str) {
    if let Ok(folder) = OwnFolder::make(&tools.state, 0o700) {
        drop(folder.put(NAME, text.as_bytes()));
    }
}

/// The text that was kept last.
pub fn recall(tools: &Tools) -> Option<String> {
    let folder = OwnFolder::open(&tools.state).ok()?;
    String::from_utf8(folder.read(NAME, LONGEST).ok()?).ok()
}
