//! The closed list of powers over the machine.

use crate::observation::{ContainerId, GatewayId, Place, Text, UnitName};

/// One thing that can be done to the machine. Names in it have passed their types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a unit.
    StartUnit(UnitName),
    /// Stop and start a unit.
    RestartUnit(UnitName),
    /// Clear a unit's failed state and start counter, then start it.
    ResetFailedStart(UnitName),
    /// Have a unit started at boot.
    EnableUnit(UnitName),
    /// Raise a unit's memory limit.
    RaiseMemoryLimit(UnitName),
    /// Have a gateway read its configuration again.
    ReloadGateway {
        /// Which.
        gateway: GatewayId,
        /// The unit that it belongs to.
        unit: UnitName,
    },
    /// Start a container.
    StartContainer(ContainerId),
    /// Stop and start a container.
    RestartContainer(ContainerId),
    /// Let a paused container go on.
    UnpauseContainer(ContainerId),
    /// Change a configuration file.
    EditConfig(Place),
    /// Let the gateway's worker write to a socket, where its owner makes it.
    FixSocketPermission(Text),
    /// End the process that holds a port.
    StopPortOwner(u32),
}

/// An action that could cure a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Id, as the cause names it.
    pub id: &'static str,
    /// What would be done.
    pub action: Action,
}

impl Action {
    /// Its name in JSON and in the causes.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StartUnit(_) => "start-unit",
            Self::RestartUnit(_) => "restart-unit",
            Self::ResetFailedStart(_) => "reset-failed-start",
            Self::EnableUnit(_) => "enable-unit",
            Self::RaiseMemoryLimit(_) => "raise-memory-limit",
            Self::ReloadGateway { .. } => "reload-gateway",
            Self::StartContainer(_) => "start-container",
            Self::RestartContainer(_) => "restart-container",
            Self::UnpauseContainer(_) => "unpause-container",
            Self::EditConfig(_) => "edit-config",
            Self::FixSocketPermission(_) => "fix-socket-permission",
            Self::StopPortOwner(_) => "stop-port-owner",
        }
    }

    /// The same by hand, one command after the other, as words and never as a line for a shell;
    /// empty when a person has to decide what to write.
    pub fn commands(&self) -> Vec<Vec<String>> {
        let one = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::StartUnit(unit) => vec![one(&["systemctl", "start", unit.as_str()])],
            Self::RestartUnit(unit) => vec![one(&["systemctl", "restart", unit.as_str()])],
            Self::ResetFailedStart(unit) => vec![
                one(&["systemctl", "reset-failed", unit.as_str()]),
                one(&["systemctl", "start", unit.as_str()]),
            ],
            Self::EnableUnit(unit) => vec![one(&["systemctl", "enable", unit.as_str()])],
            Self::ReloadGateway { unit, .. } => {
                vec![one(&["systemctl", "reload", unit.as_str()])]
            }
            Self::StartContainer(id) => vec![one(&["docker", "start", id.as_str()])],
            Self::RestartContainer(id) => vec![one(&["docker", "restart", id.as_str()])],
            Self::UnpauseContainer(id) => vec![one(&["docker", "unpause", id.as_str()])],
            Self::StopPortOwner(pid) => vec![one(&["kill", &pid.to_string()])],
            Self::RaiseMemoryLimit(_) | Self::EditConfig(_) | Self::FixSocketPermission(_) => {
                Vec::new()
            }
        }
    }

    /// What a person does where no command does it.
    pub fn words(&self) -> String {
        match self {
            Self::StartUnit(unit) => format!("start {unit}"),
            Self::RestartUnit(unit) => format!("restart {unit}"),
            Self::ResetFailedStart(unit) => format!("clear the failed state of {unit}, start it"),
            Self::EnableUnit(unit) => format!("have {unit} started at boot"),
            Self::RaiseMemoryLimit(unit) => format!("raise MemoryMax= of {unit}"),
            Self::ReloadGateway { gateway, .. } => format!("reload {gateway}"),
            Self::StartContainer(id) => format!("start container {id}"),
            Self::RestartContainer(id) => format!("restart container {id}"),
            Self::UnpauseContainer(id) => format!("let container {id} go on"),
            Self::EditConfig(place) => format!("edit {place}"),
            Self::FixSocketPermission(path) => {
                format!("give {path} an owner, group or mode that lets the worker write")
            }
            Self::StopPortOwner(pid) => format!("end process {pid}"),
        }
    }

    /// What it costs and what can go wrong.
    pub const fn risk(&self) -> &'static str {
        match self {
            Self::StartUnit(_) | Self::StartContainer(_) => "none while it is down",
            Self::RestartUnit(_) | Self::RestartContainer(_) => {
                "requests in flight fail, and it may not come up again"
            }
            Self::ResetFailedStart(_) => {
                "it may fail again: what its log names is not cured by this"
            }
            Self::EnableUnit(_) => "none now; it starts at the next boot",
            Self::RaiseMemoryLimit(_) => "what the service takes, the rest of the host lacks",
            Self::ReloadGateway { .. } => {
                "applies every change on disk; test it first, and see new workers and one request \
                 afterwards, since a refused reload says nothing"
            }
            Self::UnpauseContainer(_) => "somebody paused it for a reason",
            Self::EditConfig(_) => "a mistake breaks the next reload or restart; keep a copy",
            Self::FixSocketPermission(_) => {
                "a change by hand is lost when the socket is made again"
            }
            Self::StopPortOwner(_) => "what this process serves is gone; look what it is first",
        }
    }

    /// Whether the state before can be brought back.
    pub const fn reversible(&self) -> bool {
        !matches!(
            self,
            Self::RestartUnit(_)
                | Self::RestartContainer(_)
                | Self::ReloadGateway { .. }
                | Self::StopPortOwner(_)
        )
    }
}
