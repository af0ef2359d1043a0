//! The closed list of powers over the machine.

use serde::{Deserialize, Serialize};

use crate::observation::{ContainerId, GatewayId, Text, UnitName};

use super::{FileEdit, Guard, ProgramCall, UnitSetting};

/// One thing that can be done to the machine. Names in it have passed their types; it is complete:
/// whoever carries it out has nothing left to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Start a unit.
    StartUnit {
        /// Which.
        unit: UnitName,
    },
    /// Stop and start a unit.
    RestartUnit {
        /// Which.
        unit: UnitName,
    },
    /// Have a unit read its configuration again.
    ReloadUnit {
        /// Which.
        unit: UnitName,
    },
    /// Stop a unit.
    StopUnit {
        /// Which.
        unit: UnitName,
    },
    /// Clear a unit's failed state and its start counter.
    ResetFailed {
        /// Which.
        unit: UnitName,
    },
    /// Have a unit started at boot.
    EnableUnit {
        /// Which.
        unit: UnitName,
    },
    /// Set limits of a unit by a drop-in file, and have systemd read it. A running process keeps
    /// its old limits until it is started again, but for memory and tasks.
    LimitUnit {
        /// Which.
        unit: UnitName,
        /// What is set.
        settings: Vec<UnitSetting>,
    },
    /// Have a gateway read its configuration again.
    ReloadGateway {
        /// Which.
        gateway: GatewayId,
        /// The pid of its master, as this program sees it.
        master: u32,
    },
    /// Stop and start a gateway's unit.
    RestartGateway {
        /// Which.
        gateway: GatewayId,
        /// Its unit.
        unit: UnitName,
    },
    /// Start a container.
    StartContainer {
        /// Which.
        container: ContainerId,
        /// Its name, for people.
        name: Text,
    },
    /// Stop and start a container.
    RestartContainer {
        /// Which.
        container: ContainerId,
        /// Its name, for people.
        name: Text,
    },
    /// Let a paused container go on.
    UnpauseContainer {
        /// Which.
        container: ContainerId,
        /// Its name, for people.
        name: Text,
    },
    /// Set a container's memory limit, also while it runs. The limit of memory and swap together moves
    /// along.
    LimitContainer {
        /// Which.
        container: ContainerId,
        /// Its name, for people.
        name: Text,
        /// The new limit in bytes.
        memory: u64,
    },
    /// Have a service of a Compose project made as its files say: made again where they changed.
    ComposeUp {
        /// The container that it is about.
        container: ContainerId,
        /// Project, as labelled.
        project: Text,
        /// Service, as labelled.
        service: Text,
        /// Configuration files, as labelled.
        files: Vec<Text>,
        /// Folder of the project, as labelled.
        folder: Text,
    },
    /// Start a program of PM2 or Supervisor.
    StartProgram {
        /// Which, and whom to tell.
        call: ProgramCall,
    },
    /// Stop and start a program of PM2 or Supervisor.
    RestartProgram {
        /// Which, and whom to tell.
        call: ProgramCall,
    },
    /// Have PM2 replace the processes of a program one after the other.
    ReloadProgram {
        /// Which, and whom to tell.
        call: ProgramCall,
    },
    /// Change a configuration file.
    EditFile(FileEdit),
    /// Give a unix socket the group and mode that its unit or pool configuration names, or that the
    /// gateway's worker needs.
    SetSocketAccess {
        /// Path of the socket, as the gateway sees it.
        path: Text,
        /// Prefix under which that path is seen from here.
        root: Text,
        /// New owner, `None` to keep it.
        owner: Option<u32>,
        /// New group, `None` to keep it.
        group: Option<u32>,
        /// New mode, permission bits only.
        mode: u32,
    },
    /// Let others pass through a directory (add `x`), so that the gateway's worker reaches a socket.
    AllowTraverse {
        /// Path of the directory, as the gateway sees it.
        directory: Text,
        /// Prefix under which that path is seen from here.
        root: Text,
    },
    /// Ask one process to end (SIGTERM), because it holds what a service needs.
    EndProcess {
        /// Its pid.
        pid: u32,
        /// Its name, for people.
        name: Text,
    },
}

impl Action {
    /// Its name in JSON and in playbooks.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StartUnit { .. } => "start-unit",
            Self::RestartUnit { .. } => "restart-unit",
            Self::ReloadUnit { .. } => "reload-unit",
            Self::StopUnit { .. } => "stop-unit",
            Self::ResetFailed { .. } => "reset-failed",
            Self::EnableUnit { .. } => "enable-unit",
            Self::LimitUnit { .. } => "limit-unit",
            Self::ReloadGateway { .. } => "reload-gateway",
            Self::RestartGateway { .. } => "restart-gateway",
            Self::StartContainer { .. } => "start-container",
            Self::RestartContainer { .. } => "restart-container",
            Self::UnpauseContainer { .. } => "unpause-container",
            Self::LimitContainer { .. } => "limit-container",
            Self::ComposeUp { .. } => "compose-up",
            Self::StartProgram { .. } => "start-program",
            Self::RestartProgram { .. } => "restart-program",
            Self::ReloadProgram { .. } => "reload-program",
            Self::EditFile(_) => "edit-file",
            Self::SetSocketAccess { .. } => "set-socket-access",
            Self::AllowTraverse { .. } => "allow-traverse",
            Self::EndProcess { .. } => "end-process",
        }
    }

    /// Every kind, for the lint of playbooks.
    pub const KINDS: [&'static str; 21] = [
        "start-unit",
        "restart-unit",
        "reload-unit",
        "stop-unit",
        "reset-failed",
        "enable-unit",
        "limit-unit",
        "reload-gateway",
        "restart-gateway",
        "start-container",
        "restart-container",
        "unpause-container",
        "limit-container",
        "compose-up",
        "start-program",
        "restart-program",
        "reload-program",
        "edit-file",
        "set-socket-access",
        "allow-traverse",
        "end-process",
    ];

    /// The same by hand, one command after the other, as words and never as a line for a shell;
    /// empty when a person has to write something.
    pub fn commands(&self) -> Vec<Vec<String>> {
        let one = |words: &[&str]| vec![words.iter().map(|word| (*word).to_owned()).collect()];
        match self {
            Self::StartUnit { unit } => one(&["systemctl", "start", unit.as_str()]),
            Self::RestartUnit { unit } | Self::RestartGateway { unit, .. } => {
                one(&["systemctl", "restart", unit.as_str()])
            }
            Self::ReloadUnit { unit } => one(&["systemctl", "reload", unit.as_str()]),
            Self::StopUnit { unit } => one(&["systemctl", "stop", unit.as_str()]),
            Self::ResetFailed { unit } => one(&["systemctl", "reset-failed", unit.as_str()]),
            Self::EnableUnit { unit } => one(&["systemctl", "enable", unit.as_str()]),
            Self::LimitUnit { unit, .. } => one(&["systemctl", "edit", unit.as_str()]),
            Self::ReloadGateway { master, .. } => one(&["kill", "-HUP", &master.to_string()]),
            Self::StartContainer { container, .. } => one(&["docker", "start", container.as_str()]),
            Self::RestartContainer { container, .. } => {
                one(&["docker", "restart", container.as_str()])
            }
            Self::UnpauseContainer { container, .. } => {
                one(&["docker", "unpause", container.as_str()])
            }
            Self::LimitContainer { container, memory, .. } => {
                let swap = format!("--memory-swap={}", memory.saturating_mul(2));
                let memory = format!("--memory={memory}");
                one(&["docker", "update", &memory, &swap, container.as_str()])
            }
            Self::ComposeUp { project, service, files, folder, .. } => {
                let mut words = vec!["docker".to_owned(), "compose".to_owned()];
                words.extend(["--project-name".to_owned(), project.to_string()]);
                words.extend(["--project-directory".to_owned(), folder.to_string()]);
                for file in files {
                    words.extend(["--file".to_owned(), file.to_string()]);
                }
                words.extend(["up", "-d", "--no-deps"].map(str::to_owned));
                words.push(service.to_string());
                vec![words]
            }
            Self::StartProgram { call } => vec![call.command("start")],
            Self::RestartProgram { call } => vec![call.command("restart")],
            Self::ReloadProgram { call } => vec![call.command("reload")],
            Self::EditFile(edit) => edit.command().into_iter().collect(),
            Self::SetSocketAccess { path, owner, group, mode, .. } => {
                let mut all = Vec::new();
                let who = match (owner, group) {
                    (Some(owner), Some(group)) => Some(format!("{owner}:{group}")),
                    (Some(owner), None) => Some(owner.to_string()),
                    (None, Some(group)) => Some(format!(":{group}")),
                    (None, None) => None,
                };
                all.extend(who.map(|who| vec!["chown".to_owned(), who, path.to_string()]));
                all.push(vec!["chmod".to_owned(), format!("{mode:04o}"), path.to_string()]);
                all
            }
            Self::AllowTraverse { directory, .. } => one(&["chmod", "o+x", &directory.to_string()]),
            Self::EndProcess { pid, .. } => one(&["kill", &pid.to_string()]),
        }
    }

    /// What is done, as an order: "start php8.2-fpm.service".
    pub fn words(&self) -> String {
        match self {
            Self::StartUnit { unit } => format!("start {unit}"),
            Self::RestartUnit { unit } | Self::RestartGateway { unit, .. } => {
                format!("restart {unit}")
            }
            Self::ReloadUnit { unit } => format!("reload {unit}"),
            Self::StopUnit { unit } => format!("stop {unit}"),
            Self::ResetFailed { unit } => format!("clear the failed state of {unit}"),
            Self::EnableUnit { unit } => format!("have {unit} started at boot"),
            Self::LimitUnit { unit, settings } => {
                let lines: Vec<String> = settings.iter().map(UnitSetting::line).collect();
                format!("set {} for {unit}", lines.join(", "))
            }
            Self::ReloadGateway { gateway, .. } => format!("reload {gateway}"),
            Self::StartContainer { name, .. } => format!("start container {name}"),
            Self::RestartContainer { name, .. } => format!("restart container {name}"),
            Self::UnpauseContainer { name, .. } => format!("let container {name} go on"),
            Self::LimitContainer { name, memory, .. } => {
                format!("set the memory limit of container {name} to {} MiB", memory >> 20)
            }
            Self::ComposeUp { project, service, .. } => {
                format!("bring service {service} of project {project} up")
            }
            Self::StartProgram { call } => format!("start {}", call.program),
            Self::RestartProgram { call } => format!("restart {}", call.program),
            Self::ReloadProgram { call } => format!("reload {}", call.program),
            Self::EditFile(edit) => edit.words(),
            Self::SetSocketAccess { path, .. } => {
                format!("let the gateway's worker write to {path}")
            }
            Self::AllowTraverse { directory, .. } => format!("let others pass through {directory}"),
            Self::EndProcess { pid, name } => format!("end process {pid} ({name})"),
        }
    }

    /// What it costs and what can go wrong.
    pub fn risk(&self) -> &'static str {
        match self {
            Self::StartUnit { .. } | Self::StartContainer { .. } | Self::StartProgram { .. } => {
                "none while it is down"
            }
            Self::RestartUnit { .. }
            | Self::RestartGateway { .. }
            | Self::RestartContainer { .. }
            | Self::RestartProgram { .. } => {
                "requests in flight fail, and it may not come up again"
            }
            Self::ReloadUnit { .. } => {
                "applies every change on disk, and not every program survives a mistake there"
            }
            Self::ReloadProgram { .. } => {
                "a process that does not close by itself loses its requests when its time is up"
            }
            Self::StopUnit { .. } => "what it serves is gone until it is started again",
            Self::ResetFailed { .. } => "none; the counter of starts begins anew",
            Self::EnableUnit { .. } => "none now; it starts at the next boot",
            Self::LimitUnit { settings, .. } if UnitSetting::is_policy(settings) => {
                "what ends each time is then started again and again: its log says so"
            }
            Self::LimitUnit { .. } | Self::LimitContainer { .. } => {
                "what the service takes, the rest of the host lacks"
            }
            Self::ReloadGateway { .. } => {
                "applies every change on disk; it is tested before, and proven by new workers and \
                 an answered request afterwards"
            }
            Self::UnpauseContainer { .. } => "somebody paused it for a reason",
            Self::ComposeUp { .. } => "the container is made again when its files changed",
            Self::EditFile(_) => {
                "a mistake breaks the next reload or restart; it is tested before, and the old file \
                 is kept"
            }
            Self::SetSocketAccess { .. } => {
                "it is lost when the socket is made again: set it where the service is configured"
            }
            Self::AllowTraverse { .. } => "every user can pass through it, not list it",
            Self::EndProcess { .. } => "what this process serves is gone; look what it is first",
        }
    }

    /// Whether the state before can be brought back.
    pub const fn reversible(&self) -> bool {
        !matches!(
            self,
            Self::RestartUnit { .. }
                | Self::RestartGateway { .. }
                | Self::RestartContainer { .. }
                | Self::ReloadUnit { .. }
                | Self::ReloadGateway { .. }
                | Self::ComposeUp { .. }
                | Self::RestartProgram { .. }
                | Self::ReloadProgram { .. }
                | Self::ResetFailed { .. }
                | Self::EndProcess { .. }
        )
    }

    /// Whether requests that are under way are cut off.
    pub const fn interrupts(&self) -> bool {
        matches!(
            self,
            Self::RestartUnit { .. }
                | Self::StopUnit { .. }
                | Self::RestartGateway { .. }
                | Self::RestartContainer { .. }
                | Self::ComposeUp { .. }
                | Self::RestartProgram { .. }
                | Self::EndProcess { .. }
        )
    }

    /// The unit that it acts on.
    pub const fn unit(&self) -> Option<&UnitName> {
        match self {
            Self::StartUnit { unit }
            | Self::RestartUnit { unit }
            | Self::ReloadUnit { unit }
            | Self::StopUnit { unit }
            | Self::ResetFailed { unit }
            | Self::EnableUnit { unit }
            | Self::LimitUnit { unit, .. }
            | Self::RestartGateway { unit, .. } => Some(unit),
            _ => None,
        }
    }

    /// The container that it acts on.
    pub const fn container(&self) -> Option<(&ContainerId, &Text)> {
        match self {
            Self::StartContainer { container, name }
            | Self::RestartContainer { container, name }
            | Self::UnpauseContainer { container, name }
            | Self::LimitContainer { container, name, .. } => Some((container, name)),
            Self::ComposeUp { container, service, .. } => Some((container, service)),
            _ => None,
        }
    }

    /// The managed program that it acts on.
    pub const fn program(&self) -> Option<&ProgramCall> {
        match self {
            Self::StartProgram { call }
            | Self::RestartProgram { call }
            | Self::ReloadProgram { call } => Some(call),
            _ => None,
        }
    }

    /// What must be looked at before it is done.
    pub fn guards(&self) -> Vec<Guard> {
        match self {
            Self::StartUnit { .. } => vec![
                Guard::Unit,
                Guard::ConfigTest,
                Guard::CrashLoop,
                Guard::StartLimit,
                Guard::Headroom,
            ],
            Self::RestartUnit { .. } | Self::RestartGateway { .. } => vec![
                Guard::Unit,
                Guard::ConfigTest,
                Guard::CrashLoop,
                Guard::StartLimit,
                Guard::Headroom,
                Guard::Dependants,
                Guard::InFlight,
            ],
            Self::ReloadUnit { .. } => {
                vec![Guard::Unit, Guard::ConfigTest, Guard::Drift, Guard::InFlight]
            }
            Self::StopUnit { .. } => vec![Guard::Unit, Guard::Dependants, Guard::InFlight],
            Self::ResetFailed { .. } | Self::EnableUnit { .. } => vec![Guard::Unit],
            Self::LimitUnit { .. } => vec![Guard::Unit, Guard::Memory, Guard::Writable],
            Self::ReloadGateway { .. } => {
                vec![Guard::SameProcess, Guard::ConfigTest, Guard::Headroom, Guard::Drift]
            }
            Self::StartContainer { .. } | Self::UnpauseContainer { .. } => vec![Guard::Container],
            Self::RestartContainer { .. } | Self::ComposeUp { .. } => {
                vec![Guard::Container, Guard::InFlight]
            }
            Self::LimitContainer { .. } => vec![Guard::Container, Guard::Memory],
            Self::StartProgram { .. } => vec![Guard::Program],
            Self::RestartProgram { .. } | Self::ReloadProgram { .. } => {
                vec![Guard::Program, Guard::InFlight]
            }
            Self::EditFile(_) => vec![Guard::Writable, Guard::ConfigTest, Guard::Drift],
            Self::SetSocketAccess { .. } | Self::AllowTraverse { .. } => vec![Guard::Path],
            Self::EndProcess { .. } => vec![Guard::SameProcess, Guard::InFlight],
        }
    }
}
