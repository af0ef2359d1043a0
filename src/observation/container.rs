//! Containers, as Docker's API tells them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Claim, ContainerId, NetNs, Text, Wall};

/// `State.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Ended and about to be started again.
    Restarting,
    /// Ended.
    Exited,
    /// Being removed, or a state that is not known here.
    Other,
}

/// `State.Health.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// No health check.
    None,
    /// Not judged yet.
    Starting,
    /// Good.
    Healthy,
    /// Bad.
    Unhealthy,
}

/// A published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortBinding {
    /// Address on the host, `0.0.0.0` when unset.
    pub host_ip: IpAddr,
    /// Port on the host.
    pub host_port: u16,
    /// Port inside the container.
    pub container_port: u16,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Full id.
    pub id: ContainerId,
    /// Name without the leading slash.
    pub name: Text,
    /// Image as named.
    pub image: Text,
    /// State. A restart loop shows as [`ContainerState::Restarting`] even while `Running`.
    pub state: ContainerState,
    /// Main pid in the *daemon's* pid namespace.
    pub pid: Option<u32>,
    /// Whether `/proc/PID` here really is this container (its cgroup names the id).
    pub pid_visible: bool,
    /// Network namespace, when the pid is visible.
    pub netns: Option<NetNs>,
    /// Exit code of the last run.
    pub exit_code: Option<i64>,
    /// `State.OOMKilled`.
    pub oom_killed: bool,
    /// `State.Error`.
    pub error: Text,
    /// Health.
    pub health: Health,
    /// Output of the last health check.
    pub health_output: Text,
    /// `RestartCount`.
    pub restarts: u64,
    /// Restart policy as named.
    pub restart_policy: Text,
    /// `HostConfig.Memory` in bytes; `None` for no limit.
    pub memory_limit: Option<u64>,
    /// Published ports.
    pub ports: Vec<PortBinding>,
    /// Addresses in its networks, with the network's name.
    pub ips: Vec<(Text, IpAddr)>,
    /// Whether it shares the host's network.
    pub host_network: bool,
    /// Command, redacted.
    pub command: Text,
    /// Addresses that its command, environment and log say it serves *inside* the container.
    pub claims: Vec<Claim>,
    /// Compose project and service, when labelled.
    pub compose: Option<(Text, Text)>,
    /// Files that the Compose project was made from, as labelled.
    #[serde(default)]
    pub compose_files: Vec<Text>,
    /// Folder of the Compose project, as labelled; empty without a label.
    #[serde(default)]
    pub compose_folder: Text,
    /// Services of its Compose project that it waits for, each with what it waits for
    /// (`service_healthy`, `service_started`, …), as labelled.
    #[serde(default)]
    pub depends_on: Vec<(Text, Text)>,
    /// Names that its networks know it by, beside its own.
    #[serde(default)]
    pub aliases: Vec<Text>,
    /// Labels that tell Traefik how to reach it, without those that may hold secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(Text, Text)>,
    /// The container in whose network it lives, where it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_of: Option<ContainerId>,
    /// `Created`.
    #[serde(default)]
    pub created: Option<Wall>,
    /// Id of its image, which tells two images of the same name apart; empty when not told.
    #[serde(default)]
    pub image_id: Text,
    /// `State.StartedAt`.
    pub started: Option<Wall>,
    /// `State.FinishedAt`.
    pub finished: Option<Wall>,
}

impl Container {
    /// Whether other containers of its networks find it by this name.
    pub fn is_named(&self, host: &Text) -> bool {
        self.name == *host
            || self.aliases.contains(host)
            || self.compose.as_ref().is_some_and(|(_, service)| service == host)
    }
}

/// An event of Docker's stream: `die`, `oom`, `start`, `health_status: unhealthy`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerEvent {
    /// Which container.
    pub id: ContainerId,
    /// Its name.
    pub name: Text,
    /// Action as written.
    pub action: Text,
    /// Exit code of a `die`.
    pub exit_code: Option<i64>,
    /// When.
    pub at: Wall,
}
