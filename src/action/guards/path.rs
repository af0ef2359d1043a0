//! Whether a path is what it was taken for.

use std::path::Path;

use crate::{
    action::hands::socket,
    host::{access::Pinned, files::Root},
    observation::Text,
    remedy::{Action, Check, Guard},
};

const GUARD: Guard = Guard::Path;

pub(super) fn look(action: &Action) -> Vec<Check> {
    let check = match action {
        Action::SetSocketAccess { path, root, mode, .. } => {
            pin(path, root).and_then(|pinned| match socket::unfit_socket(path, &pinned) {
                Some(why) => Err(why),
                None => Ok(format!(
                    "{path} is a socket of {}:{}, mode {:04o}, to be {mode:04o}",
                    pinned.owner().0,
                    pinned.owner().1,
                    pinned.mode()
                )),
            })
        }
        Action::AllowTraverse { directory, root } => pin(directory, root).and_then(|pinned| {
            match socket::closed_on_purpose(directory, root, &pinned) {
                Some(why) => Err(why),
                None => Ok(format!("{directory} is a directory, mode {:04o}", pinned.mode())),
            }
        }),
        _ => return Vec::new(),
    };
    vec![match check {
        Ok(words) => Check::clear(GUARD, words),
        Err(why) => Check::refused(GUARD, why),
    }]
}

fn pin(path: &Text, root: &Text) -> Result<Pinned, String> {
    let pinned = Pinned::at(&Root::new(root.raw()), Path::new(path.raw()));
    pinned.map_err(|error| format!("{path}: {error}"))
}
