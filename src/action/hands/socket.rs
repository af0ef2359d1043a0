//! Who may reach a unix socket: its owner, group and mode, and the way to it.

use std::path::Path;

use crate::{
    action::Failure,
    host::{
        access::Pinned,
        files::{FileError, Root},
    },
    observation::Text,
    remedy::Action,
};

use super::{Done, Undo, words};

fn pin(path: &Text, root: &Text, hand: &str) -> Result<Pinned, Failure> {
    if !path.raw().starts_with('/') {
        return Err(Failure::Refused(format!("{path} is no absolute path")));
    }
    let pinned = Pinned::at(&Root::new(root.raw()), Path::new(path.raw()));
    pinned.map_err(|error| match error {
        FileError::Missing => Failure::Gone(format!("{path} is gone")),
        FileError::Denied => Failure::Denied(format!("{path} is out of reach; type: {hand}")),
        other => Failure::Refused(format!("{path}: {other}")),
    })
}

/// Why a socket is not what it was taken for, if so.
pub(crate) fn unfit_socket(path: &Text, pinned: &Pinned) -> Option<String> {
    if !pinned.is_socket() {
        return Some(format!("{path} is not a socket"));
    }
    // Somebody who may write to the folder could have linked another's socket there.
    (pinned.links() > 1)
        .then(|| format!("{path} has a second name: whose socket it is is not sure"))
}

pub(super) fn set_access(
    path: &Text,
    root: &Text,
    (owner, group): (Option<u32>, Option<u32>),
    mode: u32,
    action: &Action,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let pinned = pin(path, root, &hand)?;
    if let Some(why) = unfit_socket(path, &pinned) {
        return Err(Failure::Changed(why));
    }
    if mode > 0o777 {
        return Err(Failure::Refused(format!("mode {mode:o} is more than permissions")));
    }
    apply(&pinned, path, (owner, group), mode, &hand)?;
    let ((owner, group), mode_before) = (pinned.owner(), pinned.mode());
    let undo =
        Undo::SetAccess { path: path.clone(), root: root.clone(), owner, group, mode: mode_before };
    Ok(Done { words: format!("{path} has mode {mode:04o} now"), undo: Some(undo) })
}

/// Narrow first, so that it is at no moment more open than before and after.
fn apply(
    pinned: &Pinned,
    path: &Text,
    (owner, group): (Option<u32>, Option<u32>),
    mode: u32,
    hand: &str,
) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| words::from_io(error, path.raw(), hand);
    let (old_owner, old_group) = pinned.owner();
    if owner.is_some_and(|o| o != old_owner) || group.is_some_and(|g| g != old_group) {
        pinned.set_mode(pinned.mode() & mode).map_err(|e| failed(&e))?;
        if let Err(error) = pinned.give(owner, group) {
            let _ = pinned.set_mode(pinned.mode());
            return Err(failed(&error));
        }
    }
    pinned.set_mode(mode).map_err(|e| failed(&e))
}

/// Why others are not let through a directory, if so.
pub(crate) fn closed_on_purpose(directory: &Text, root: &Text, pinned: &Pinned) -> Option<String> {
    if !pinned.is_directory() {
        return Some(format!("{directory} is not a directory"));
    }
    let path = Path::new(directory.raw());
    let real = pinned.real_path();
    let homes = |path: &Path| {
        let mut parts = path.components().skip(1);
        let first = parts.next().map(|part| part.as_os_str().to_owned());
        first.is_some_and(|first| first == "root" || first == "home")
    };
    // The real path of another root's directory is told from there, too.
    if homes(path) || (root.is_empty() && real.as_deref().is_some_and(homes)) {
        return Some(format!(
            "{directory} is a home, closed to others on purpose: move the socket to /run instead"
        ));
    }
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        return Some(format!("{directory} is not a plain path"));
    }
    let tree = Root::new(root.raw());
    let open = path
        .ancestors()
        .any(|part| tree.stat(part, true).is_ok_and(|stat| stat.st_mode & 0o002 != 0));
    open.then(|| {
        format!("{directory} lies below a folder that everybody can write to: it may be planted")
    })
}

pub(super) fn allow_traverse(
    directory: &Text,
    root: &Text,
    action: &Action,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let pinned = pin(directory, root, &hand)?;
    if let Some(why) = closed_on_purpose(directory, root, &pinned) {
        return Err(Failure::Refused(why));
    }
    let (mode, (owner, group)) = (pinned.mode(), pinned.owner());
    if mode & 0o001 != 0 {
        return Ok(Done { words: format!("others may pass {directory} already"), undo: None });
    }
    pinned.set_mode(mode | 0o001).map_err(|e| words::from_io(&e, directory.raw(), &hand))?;
    let undo = Undo::SetAccess { path: directory.clone(), root: root.clone(), owner, group, mode };
    Ok(Done { words: format!("others may pass through {directory} now"), undo: Some(undo) })
}

pub(super) fn restore(undo: &Undo) -> Result<String, Failure> {
    let Undo::SetAccess { path, root, owner, group, mode } = undo else {
        return Err(Failure::Human("this is no access of a path".to_owned()));
    };
    let hand = format!("sudo chown {owner}:{group} {path} && sudo chmod {mode:04o} {path}");
    let pinned = pin(path, root, &hand)?;
    let changed = if pinned.is_directory() {
        let ours = pinned.mode() == (mode | 0o001) && pinned.owner() == (*owner, *group);
        (!ours).then(|| format!("somebody else changed {path} since: it is left as it is"))
    } else {
        unfit_socket(path, &pinned)
    };
    if let Some(why) = changed {
        return Err(Failure::Changed(why));
    }
    apply(&pinned, path, (Some(*owner), Some(*group)), *mode, &hand)?;
    Ok(format!("{path} has its old owner and mode again"))
}
