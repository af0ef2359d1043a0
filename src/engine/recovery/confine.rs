//! On top of a practice world nothing outside it is touched, whatever a plan says.

use std::path::Path;

use crate::{
    host::scope::Scope,
    observation::Text,
    remedy::{Action, Plan},
};

/// What of a plan would reach out of the world, in a sentence.
pub(super) fn outside(plan: &Plan, scope: Option<&Scope>) -> Option<String> {
    let scope = scope?;
    let step = plan.steps.iter().find_map(|step| step_outside(step, Some(scope)));
    if step.is_some() {
        return step;
    }
    let far = plan.expect.proofs.iter().find(|proof| !proof.listen.ip().is_loopback());
    far.map(|proof| format!("practice asks nobody outside its own world: {}", proof.listen))
}

/// As [`outside`], of one step that no plan has told.
pub(super) fn step_outside(step: &Action, scope: Option<&Scope>) -> Option<String> {
    let inside = is_inside(step, scope?);
    (!inside).then(|| format!("practice changes nothing outside its own world: {}", step.kind()))
}

fn is_inside(step: &Action, scope: &Scope) -> bool {
    let path = |path: &Text, root: &Text| root.is_empty() && scope.has_path(Path::new(path.raw()));
    match step {
        Action::ReloadGateway { master, .. } => scope.has_process(*master),
        Action::EndProcess { pid, .. } => *pid != scope.custodian && scope.has_process(*pid),
        Action::StartProgram { call }
        | Action::RestartProgram { call }
        | Action::ReloadProgram { call } => path(&call.socket, &Text::default()),
        Action::EditFile(edit) => path(&edit.file, &edit.root),
        Action::SetSocketAccess { path: socket, root, .. } => path(socket, root),
        Action::AllowTraverse { directory, root } => path(directory, root),
        Action::StartUnit { .. }
        | Action::RestartUnit { .. }
        | Action::ReloadUnit { .. }
        | Action::StopUnit { .. }
        | Action::ResetFailed { .. }
        | Action::EnableUnit { .. }
        | Action::LimitUnit { .. }
        | Action::RestartGateway { .. }
        | Action::StartContainer { .. }
        | Action::RestartContainer { .. }
        | Action::UnpauseContainer { .. }
        | Action::LimitContainer { .. }
        | Action::ComposeUp { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        observation::UnitName,
        remedy::{Change, FileEdit},
    };

    #[test]
    fn only_what_lies_in_the_world_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap();
        let scope = Scope { folder: folder.clone(), custodian: std::process::id() };
        let edit = |file: &Path, root: &str| {
            Action::EditFile(FileEdit {
                file: Text::new(file.to_str().unwrap()),
                root: Text::new(root),
                change: Change::Replace { line: 1, find: "a".into(), put: "b".into() },
                test: None,
            })
        };
        let inside = |step: Action| is_inside(&step, &scope);
        assert!(inside(edit(&folder.join("nginx.conf"), "")));
        assert!(!inside(edit(&folder.join("nginx.conf"), "/proc/1/root")));
        assert!(!inside(edit(Path::new("/etc/nginx/nginx.conf"), "")));
        assert!(!inside(edit(&folder.join("../x"), "")));
        let unit = UnitName::new("nginx.service").unwrap();
        assert!(!inside(Action::StartUnit { unit }));
        assert!(!inside(Action::EndProcess { pid: 1, name: Text::default() }));
        let own = Action::EndProcess { pid: scope.custodian, name: Text::default() };
        assert!(!inside(own), "the custodian itself stays");
    }
}
