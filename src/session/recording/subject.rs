//! Whom an observation speaks of: a later one of the same subject stands in its place.

use std::{
    fmt::{self, Debug, Write},
    hash::{DefaultHasher, Hasher},
};

use crate::observation::{Observation, Seen};

/// A number for the subject of a state, good within one process; `None` for what happens once.
pub fn subject(observation: &Observation) -> Option<u64> {
    let source = observation.source;
    let (kind, key): (u8, &dyn Debug) = match &observation.seen {
        Seen::Gateway(gateway) => (0, &gateway.id),
        Seen::Config(config) => (1, &config.gateway),
        Seen::Runtime(runtime) => (2, &runtime.gateway),
        Seen::Listeners(table) => (3, &table.netns),
        Seen::Ports(ports) => (4, &ports.netns),
        Seen::Processes(_) => (5, &()),
        Seen::Limits(limits) => (6, &limits.pid),
        Seen::SocketFile(file) => (7, &(&file.gateway, &file.path)),
        Seen::Unit(unit) => (8, &unit.name),
        Seen::Container(container) => (9, &container.id),
        Seen::Manager(manager) => (10, &(manager.kind, &manager.home)),
        Seen::LogFound(target) => (11, target),
        Seen::Triage(_) => (12, &()),
        Seen::Cgroup(group) => (13, &group.owner),
        Seen::Memory(_) => (14, &()),
        Seen::Cpu(_) => (15, &()),
        Seen::Pressure(_) => (16, &()),
        Seen::Disk(disk) => (17, &disk.mount),
        Seen::Firewall(table) => (18, &table.netns),
        Seen::Probe(probe) => (19, &(&probe.gateway, &probe.target, &probe.tried)),
        Seen::Resolution(found) => (20, &(&found.host, found.server)),
        Seen::Changes(_) => (21, &source),
        Seen::Settings(_) => (22, &()),
        Seen::Ways(ways) => (23, &ways.netns),
        Seen::Blind(spot) => (24, &(spot.source, &spot.what)),
        Seen::Swept { .. } => (25, &source),
        Seen::GatewayGone(_)
        | Seen::UnitGone(_)
        | Seen::ContainerGone(_)
        | Seen::ContainerEvent(_)
        | Seen::ManagerGone(..)
        | Seen::Log(_)
        | Seen::Access(_)
        | Seen::Traffic(_)
        | Seen::Kill(_)
        | Seen::Segfault(_)
        | Seen::Sighted
        | Seen::Gap(_) => return None,
    };
    number(kind, key)
}

/// Numbers of the subjects that are no more, as this says.
pub(super) fn ended(seen: &Seen) -> impl Iterator<Item = u64> {
    let [first, second, third] = match seen {
        Seen::GatewayGone(id) => [number(0, id), number(1, id), number(2, id)],
        Seen::UnitGone(name) => [number(8, name), None, None],
        Seen::ContainerGone(id) => [number(9, id), None, None],
        Seen::ManagerGone(kind, home) => [number(10, &(*kind, home)), None, None],
        _ => [None; 3],
    };
    [first, second, third].into_iter().flatten()
}

fn number(kind: u8, key: &dyn Debug) -> Option<u64> {
    let mut hasher = Hashed(DefaultHasher::new());
    hasher.0.write_u8(kind);
    write!(hasher, "{key:?}").ok()?;
    Some(hasher.0.finish())
}

struct Hashed(DefaultHasher);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
