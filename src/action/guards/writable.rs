//! Whether a file can be changed, looked at before anything is touched.

use std::path::Path;

use crate::{
    action::{
        Tools,
        edit::{Rehearsal, rehearse_all},
    },
    host::mounts,
    observation::Text,
    remedy::{Action, Check, FileEdit, Guard},
};

use super::Ground;

const GUARD: Guard = Guard::Writable;

/// Folders of drop-ins (systemd.unit(5)), the first that exists counts.
const DROP_INS: [&str; 2] = ["/etc/systemd/system", "/etc/systemd"];
/// Bytes that a drop-in takes at most, block included.
const DROP_IN: u64 = 64 * 1024;

/// Looks at one action. All edits of a plan are rehearsed together; the first speaks for all.
pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    match action {
        Action::EditFile(_) => {
            let edits = |step: &'_ Action| match step {
                Action::EditFile(edit) => Some(edit.clone()),
                _ => None,
            };
            let edits: Vec<FileEdit> = ground.plan.steps.iter().filter_map(edits).collect();
            let first = ground.plan.steps.iter().find(|step| matches!(step, Action::EditFile(_)));
            if first.is_some_and(|first| first != action) {
                return Vec::new();
            }
            let tools = ground.tools.clone();
            let looked = tokio::task::spawn_blocking(move || files(&edits, &tools)).await;
            looked.unwrap_or_else(|_| vec![Check::refused(GUARD, "the look broke off")])
        }
        Action::LimitUnit { .. } => vec![drop_in()],
        _ => Vec::new(),
    }
}

fn files(edits: &[FileEdit], tools: &Tools) -> Vec<Check> {
    let edits: Vec<&FileEdit> = edits.iter().collect();
    match rehearse_all(&edits) {
        Err(failure) => vec![Check::refused(GUARD, failure.to_string())],
        Ok(files) => files.iter().map(|file| one(file, tools)).collect(),
    }
}

/// Room for the file twice, where it lies and where its copy is kept.
fn one(file: &Rehearsal, tools: &Tools) -> Check {
    let name = file.file();
    let needed = 2 * file.candidate().len().max(4_096) as u64;
    let (bytes, inodes) = match file.room() {
        Ok(room) => room,
        Err(failure) => return Check::refused(GUARD, failure.to_string()),
    };
    if bytes < needed || inodes == Some(0) {
        return Check::refused(GUARD, format!("{name}: no room left on its file system"));
    }
    if let Some(room) = state_room(tools)
        && room < needed
    {
        let state = Text::from_bytes(tools.state.as_os_str().as_encoded_bytes());
        return Check::refused(GUARD, format!("no room left for a copy in {state}"));
    }
    match file.in_place() {
        None => Check::clear(GUARD, format!("{name} can be changed, and a copy is kept")),
        Some(why) => Check::note(
            GUARD,
            format!("{name} is written over in place, because {why}; a copy is kept"),
        ),
    }
}

/// Bytes that are free for copies; the folder may not exist yet.
fn state_room(tools: &Tools) -> Option<u64> {
    let existing = tools.state.ancestors().find(|folder| mounts::usage(folder).is_ok())?;
    mounts::usage(existing).ok().map(|usage| usage.available)
}

fn drop_in() -> Check {
    let folder = DROP_INS.iter().map(Path::new).find_map(|folder| {
        let usage = mounts::usage(folder).ok()?;
        Some((folder, usage, mounts::is_read_only(folder)))
    });
    match folder {
        None => Check::refused(GUARD, "there is no /etc/systemd for a drop-in"),
        Some((folder, _, true)) => {
            Check::refused(GUARD, format!("{}: the file system is read-only", folder.display()))
        }
        Some((folder, usage, _)) if usage.available < DROP_IN => {
            Check::refused(GUARD, format!("{}: no room left", folder.display()))
        }
        Some((folder, ..)) => {
            Check::clear(GUARD, format!("a drop-in can be written below {}", folder.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::{Change, Regard};

    fn tools(dir: &Path) -> Tools {
        Tools {
            bus: String::new(),
            docker: None,
            state: dir.join("state"),
            runtime: dir.join("run"),
        }
    }

    #[test]
    fn a_file_with_other_names_is_noted_and_a_folder_of_others_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "a;\n").unwrap();
        let edit = FileEdit {
            file: Text::new(file.to_str().unwrap()),
            root: Text::default(),
            change: Change::Replace { line: 1, find: "a".into(), put: "b".into() },
            test: None,
        };
        let edits = [edit];
        assert_eq!(files(&edits, &tools(dir.path()))[0].regard, Regard::Clear);
        std::fs::hard_link(&file, dir.path().join("g")).unwrap();
        let linked = files(&edits, &tools(dir.path()));
        assert_eq!(linked[0].regard, Regard::Note);
        assert!(linked[0].words.contains("hard links"), "{}", linked[0].words);
        let open: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(dir.path(), open).unwrap();
        assert_eq!(files(&edits, &tools(dir.path()))[0].regard, Regard::Refused);
    }
}
