//! Taking an edit back.

use std::path::Path;

use crate::{
    action::{Failure, Permit, Tools},
    host::{
        clock,
        edit_file::{Held, Live, TEMPORARY},
    },
    observation::Text,
    remedy::Digest,
};

use super::{backup, failure};

/// Puts a file back from its copy. Three contents are told apart: what was written is replaced, the
/// old one is left alone, and anything else is somebody's work and is refused.
///
/// # Errors
/// [`Failure::Changed`] when somebody edited the file since; [`Failure::Human`] when the copy cannot
/// be used.
pub fn restore(
    permit: &Permit,
    tools: &Tools,
    file: &Text,
    root: &Text,
    copy: &str,
    written: Digest,
) -> Result<String, Failure> {
    put_back(permit, tools, file, root, copy, |now| now == written)
}

/// As [`restore`], over every content that `ours` says is our own.
pub(in crate::action) fn put_back(
    _permit: &Permit,
    tools: &Tools,
    file: &Text,
    root: &Text,
    copy: &str,
    ours: impl Fn(Digest) -> bool,
) -> Result<String, Failure> {
    let old = backup::read(tools, copy)?;
    let held = Held::find(Path::new(root.raw()), Path::new(file.raw()))
        .map_err(|error| failure(file, &error))?;
    if held.digest() == Digest::of(&old) {
        return Ok(format!("{file} was already as it had been"));
    }
    if !ours(held.digest()) {
        return Err(Failure::Changed(format!(
            "{file} was changed by somebody else since: it is left as it is; the old content is {}",
            backup::path(tools, copy)
        )));
    }
    let now = clock::now().boot.0.to_be_bytes();
    let temporary = format!("{TEMPORARY}{}", Digest::of_parts(&[copy.as_bytes(), &now]).short());
    match held.replace(&temporary, &old, &mut |_| Ok(())) {
        Ok(()) => Ok(format!("put {file} back as it was")),
        Err(failed) => {
            let copy = backup::path(tools, copy);
            let stands = match failed.live {
                Live::Old => "the edited content still stands there",
                Live::New => "the old content stands there again, but the disk may not have it",
                Live::Torn => "it was written in part",
            };
            let why = Text::new(failed.to_string());
            Err(Failure::Human(format!("{file}: {why}; {stands}. By hand: cp {copy} {file}")))
        }
    }
}
