//! One action, one hand.

use crate::{
    action::{Failure, Permit, Tools, edit},
    evidence::CaseFile,
    remedy::Action,
};

use super::{
    Done, Undo, containers, gateway, limits, process,
    programs::{self, Deed},
    socket, units,
};

/// Carries one action out. It returns when the manager says that it is done, not when it works:
/// that is judged by looking. `case` is the evidence that the plan was made from: a process that is
/// not the one in it gets no signal.
///
/// # Errors
/// [`Failure`]. After [`Failure::Late`] it may still happen.
pub async fn carry_out(
    _permit: &Permit,
    action: &Action,
    case: &CaseFile,
    tools: &Tools,
) -> Result<Done, Failure> {
    match action {
        Action::StartUnit { unit } => units::start(unit, action, tools).await,
        Action::RestartUnit { unit } | Action::RestartGateway { unit, .. } => {
            units::restart(unit, action, tools).await
        }
        Action::ReloadUnit { unit } => units::reload(unit, action, tools).await,
        Action::StopUnit { unit } => units::stop(unit, action, tools).await,
        Action::ResetFailed { unit } => units::reset_failed(unit, action, tools).await,
        Action::EnableUnit { unit } => units::enable(unit, action, tools).await,
        Action::LimitUnit { unit, settings } => limits::set(unit, settings, action, tools).await,
        Action::ReloadGateway { gateway, master } => gateway::reload(gateway, *master, case),
        Action::StartContainer { container, name } => {
            containers::start(container, name, action, tools).await
        }
        Action::RestartContainer { container, name } => {
            containers::restart(container, name, action, tools).await
        }
        Action::UnpauseContainer { container, name } => {
            containers::unpause(container, name, action, tools).await
        }
        Action::LimitContainer { container, name, memory } => {
            containers::limit(container, name, *memory, action, tools).await
        }
        Action::ComposeUp { .. } => containers::compose_up(action, tools).await,
        Action::StartProgram { call } => programs::carry_out(Deed::Start, call, action).await,
        Action::RestartProgram { call } => programs::carry_out(Deed::Restart, call, action).await,
        Action::ReloadProgram { call } => programs::carry_out(Deed::Reload, call, action).await,
        Action::EditFile(edit) => Err(Failure::Human(format!("by hand: {}", edit.words()))),
        Action::SetSocketAccess { path, root, owner, group, mode } => {
            socket::set_access(path, root, (*owner, *group), *mode, action)
        }
        Action::AllowTraverse { directory, root } => {
            socket::allow_traverse(directory, root, action)
        }
        Action::EndProcess { pid, name } => process::end(*pid, name, case, tools).await,
    }
}

/// Takes one step back.
///
/// # Errors
/// [`Failure`]; then what [`Undo`] says is still to be done.
pub async fn take_back(permit: &Permit, undo: &Undo, tools: &Tools) -> Result<String, Failure> {
    match undo {
        Undo::RestoreFile { file, root, backup, written } => {
            edit::restore(permit, tools, file, root, backup, *written)
        }
        Undo::RestoreDropIn { unit, before, written, .. } => {
            limits::restore(unit, before.as_deref(), *written, tools).await
        }
        Undo::StopUnit { unit } => {
            let action = Action::StopUnit { unit: unit.clone() };
            units::stop(unit, &action, tools).await.map(|done| done.words)
        }
        Undo::StartUnit { unit } => {
            let action = Action::StartUnit { unit: unit.clone() };
            units::start(unit, &action, tools).await.map(|done| done.words)
        }
        Undo::DisableUnit { unit } => units::disable(unit, tools).await,
        Undo::StopContainer { .. } | Undo::PauseContainer { .. } | Undo::LimitContainer { .. } => {
            containers::take_back(undo, tools).await
        }
        Undo::StopProgram { call } => programs::stop(call).await,
        Undo::SetAccess { .. } => socket::restore(undo),
    }
}
