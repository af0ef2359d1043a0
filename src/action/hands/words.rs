//! Refusals of the machine, in words for a person.

use crate::{
    action::Failure,
    host::{
        docker::{DockerError, ManageError as DockerManageError},
        systemd::SystemdError,
        systemd_manage::ManageError,
    },
    observation::Text,
    remedy::{Action, spoken},
};

/// An action's commands for a person to type, one line.
pub(super) fn by_hand(action: &Action) -> String {
    let lines: Vec<String> =
        action.commands().iter().map(|words| format!("sudo {}", spoken(words))).collect();
    lines.join(" && ")
}

pub(super) fn from_systemd(error: &ManageError, about: &str, hand: &str) -> Failure {
    match error {
        ManageError::Denied | ManageError::Unreachable(SystemdError::Denied(_)) => {
            Failure::Denied(format!("systemd refuses this user; type: {hand}"))
        }
        ManageError::NoSuchUnit | ManageError::Unreachable(SystemdError::NoSuchUnit) => {
            Failure::Gone(format!("there is no unit {about}"))
        }
        ManageError::Refused(words) => Failure::Refused(format!("systemd refused: {words}")),
        ManageError::Late | ManageError::Unreachable(SystemdError::Hung) => {
            Failure::Late(format!("systemd did not answer about {about} in time; look: {hand}"))
        }
        ManageError::Unreachable(error) => Failure::Refused(format!(
            "systemd cannot be reached ({}); type: {hand}",
            Text::new(error.to_string())
        )),
    }
}

pub(super) fn from_docker(error: &DockerManageError, name: &Text, hand: &str) -> Failure {
    match error {
        DockerManageError::Late(limit) => Failure::Late(format!(
            "the container engine did not answer about {name} within {} s",
            limit.as_secs()
        )),
        DockerManageError::Docker(DockerError::Status { status: 404, .. }) => {
            Failure::Gone(format!("container {name} is gone"))
        }
        DockerManageError::Docker(DockerError::Status { message, .. }) => {
            Failure::Refused(format!("the container engine refused: {}", Text::new(message)))
        }
        DockerManageError::Docker(DockerError::Denied) => {
            Failure::Denied(format!("the container engine refuses this user; type: {hand}"))
        }
        DockerManageError::Docker(error) => Failure::Refused(format!(
            "the container engine cannot be reached ({}); type: {hand}",
            Text::new(error.to_string())
        )),
    }
}

/// What a system call said about something at a path.
pub(super) fn from_io(error: &std::io::Error, about: &str, hand: &str) -> Failure {
    let about = Text::new(about);
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            Failure::Denied(format!("{about}: {error}; type: {hand}"))
        }
        std::io::ErrorKind::NotFound => Failure::Gone(format!("{about} is gone")),
        std::io::ErrorKind::ReadOnlyFilesystem => {
            Failure::Refused(format!("{about} is on a read-only file system"))
        }
        _ => Failure::Refused(format!("{about}: {error}")),
    }
}
