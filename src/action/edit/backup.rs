//! Copies of what was there before, in the state folder, where no daemon includes anything.

use jiff::Timestamp;

use crate::{
    action::{Failure, Tools},
    host::{clock, own_folder::OwnFolder},
    observation::Text,
    remedy::Digest,
};

/// Copies that are kept; the oldest go first.
const KEPT: usize = 50;
/// Bytes of a file's name that are kept in its copy's.
const NAME: usize = 60;
/// The folder below the state folder.
const FOLDER: &str = "backups";
/// The largest copy that is read, in bytes.
const LIMIT: u64 = crate::host::edit_file::FILE_LIMIT;

fn folder(tools: &Tools) -> Result<OwnFolder, Failure> {
    let refuse = |error: &dyn std::fmt::Display| {
        Failure::Refused(format!("no copy can be kept: {}", Text::new(error.to_string())))
    };
    let state = OwnFolder::make(&tools.state, 0o700).map_err(|error| refuse(&error))?;
    state.sub(FOLDER).map_err(|error| refuse(&error))
}

/// The name of a copy: when, of what content, of which file.
pub(super) fn name(file: &Text, old: Digest) -> String {
    let at = Timestamp::from_microsecond(clock::now().wall.0).unwrap_or_default();
    let stamp = at.strftime("%Y%m%dT%H%M%S.%6fZ");
    let base = file.raw().rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let base: String = base.chars().take(NAME).map(plain).collect();
    format!("{stamp}-{}-{base}", old.short())
}

/// Keeps a copy, and has the disk confirm it. Older ones than the newest fifty go, but none that is
/// still `needed`.
pub(super) fn keep(
    tools: &Tools,
    name: &str,
    bytes: &[u8],
    needed: &[String],
) -> Result<(), Failure> {
    let folder = folder(tools)?;
    folder
        .create(name, bytes)
        .map_err(|error| Failure::Refused(format!("no copy can be kept: {error}")))?;
    let names = folder.names().unwrap_or_default();
    let over = names.len().saturating_sub(KEPT);
    for old in names.iter().take(over).filter(|old| *old != name && !needed.contains(old)) {
        // A copy that stays too long does no harm.
        let _ = folder.remove(old);
    }
    Ok(())
}

/// Reads a copy, and makes sure that it is one and whole.
pub(super) fn read(tools: &Tools, name: &str) -> Result<Vec<u8>, Failure> {
    let damaged = |why: String| Failure::Human(format!("the copy {}: {why}", Text::new(name)));
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(damaged("that is no name of a copy".to_owned()));
    }
    let bytes = folder(tools)?.read(name, LIMIT).map_err(|error| damaged(error.to_string()))?;
    if name.split('-').nth(1) == Some(Digest::of(&bytes).short().as_str()) {
        Ok(bytes)
    } else {
        Err(damaged("its content is not what was copied".to_owned()))
    }
}

/// The path of a copy, to be shown.
pub(in crate::action) fn path(tools: &Tools, name: &str) -> Text {
    let path = tools.state.join(FOLDER).join(name);
    Text::from_bytes(path.as_os_str().as_encoded_bytes())
}
