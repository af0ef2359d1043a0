//! Discovery drives attention: what the sources should look at, as a pure function of the case.

use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{
    Address, ContainerId, ControlPoint, GatewayId, GatewayKind, LogTarget, NetNs, Protocol,
    Resolver, Text, UnitName,
};

/// A gateway, as far as a source needs it to look the way the gateway looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Identity.
    pub id: GatewayId,
    /// Program.
    pub kind: GatewayKind,
    /// A worker's pid (or the master's when there is no worker), `None` when it does not run.
    pub pid: Option<u32>,
    /// Its network namespace.
    pub netns: Option<NetNs>,
    /// Prefix under which its files are seen: empty, or `/proc/PID/root`.
    pub root: Text,
    /// Uid of the workers.
    pub worker_uid: Option<u32>,
    /// Groups of the workers.
    pub worker_gids: Vec<u32>,
    /// Container that it runs in.
    pub container: Option<ContainerId>,
    /// Where it tells its own state.
    pub controls: Vec<ControlPoint>,
}

/// One address to watch for one gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// For which gateway.
    pub gateway: GatewayId,
    /// The configured address.
    pub address: Address,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// Resolver of the gateway for this name, `None` for the host's own resolution.
    pub resolver: Option<Resolver>,
    /// Whether the name is looked up per request.
    pub per_request: bool,
    /// Whether a TLS greeting is the question (level 1 of probing).
    pub ask_tls: bool,
    /// Name that the gateway says and checks in a TLS greeting, where it is not the host.
    pub tls_name: Option<Text>,
    /// Whether the gateway says that name at all (SNI).
    pub sends_name: bool,
    /// Whether its accept queue is filling: then it is not probed.
    pub saturated: bool,
}

/// A file of a gateway's configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigFile {
    /// Whose.
    pub gateway: GatewayId,
    /// Prefix under which the path is seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// Path, as the gateway sees it.
    pub path: Text,
}

/// Everything that the sources should watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Rises by one with every change of the rest.
    pub generation: u64,
    /// The gateways.
    pub gateways: Vec<GatewayView>,
    /// The addresses behind them.
    pub targets: Vec<Target>,
    /// Files of the gateways' configurations.
    pub config_files: Vec<ConfigFile>,
    /// Log files.
    pub logs: Vec<LogTarget>,
    /// Units that matter: their journal is followed and their groups are sampled.
    pub units: BTreeSet<UnitName>,
    /// Containers that matter: their logs are followed and their groups are sampled.
    pub containers: BTreeSet<ContainerId>,
    /// Processes that matter (listener owners, gateway processes, main pids).
    pub pids: BTreeSet<u32>,
    /// Namespaces whose listeners matter, with a pid in each. Our own is always listed.
    pub namespaces: BTreeMap<NetNs, u32>,
}

impl Attention {
    /// Ports that gateways pass requests to.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.targets.iter().filter_map(|t| t.address.port()).collect()
    }

    /// Socket paths that gateways pass requests to.
    pub fn socket_paths(&self) -> BTreeSet<&str> {
        self.targets.iter().filter_map(|t| t.address.path()).collect()
    }
}
