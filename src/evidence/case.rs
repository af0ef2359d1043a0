//! The case file: everything known about one incident, folded from observations.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::observation::{
    Address, BlindSpot, CgroupSample, Change, Container, ContainerEvent, ContainerId, CpuSample,
    DiskSample, FirewallTable, Gap, Gateway, GatewayConfig, GatewayId, GatewayRuntime,
    HostSettings, KernelKill, ListenerTable, LogLine, LogTarget, ManagedProgram, Manager,
    ManagerKind, MemorySample, Moment, NetNs, Observation, Origin, Owner, PortUse, PressureSample,
    Probe, Process, ProcessLimits, Program, ProgramId, Resolution, Seen, Segfault, SocketFile,
    SourceId, Text, Triage, Unit, UnitName, Wall, Ways,
};

use super::{
    Images, Signatures, entry_line,
    lines::{Lines, NewLine},
    logbook::{AccessBook, LogBook},
    looks::Found,
    programs::ProgramBook,
    ring::Ring,
};

/// How much of each kind of event is kept.
const KILLS: usize = 256;
const EVENTS: usize = 512;
const GAPS: usize = 64;
const CHANGES: usize = 500;
const HISTORY: usize = 120;

/// A value with the moment at which it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Dated<T> {
    /// When it was seen.
    pub at: Moment,
    /// The value.
    pub value: T,
}

/// A control group now and when it was first seen: counters matter by their rise.
#[derive(Clone, Debug, PartialEq)]
pub struct CgroupTrack {
    /// The first sample of this session.
    pub first: CgroupSample,
    /// The newest.
    pub now: Dated<CgroupSample>,
    /// Memory in use over time, oldest first.
    pub memory: VecDeque<u64>,
}

/// A gateway's own state now and when it was first seen: counters matter by their rise.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeTrack {
    /// The first of this session, or of this run of the gateway.
    pub first: GatewayRuntime,
    /// The newest.
    pub now: Dated<GatewayRuntime>,
}

/// Everything known. It is changed by [`admit`] alone and never reads a clock: its time is the
/// newest observation's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseFile {
    /// Time of the newest observation.
    pub now: Moment,
    /// Time of the first one: what leaves no trace on the host is known from here on.
    pub began: Option<Moment>,
    /// Gateways.
    pub gateways: BTreeMap<GatewayId, Gateway>,
    /// Their configurations.
    pub configs: BTreeMap<GatewayId, GatewayConfig>,
    /// What gateways say of their own state: when first seen, and now.
    pub runtime: BTreeMap<GatewayId, RuntimeTrack>,
    /// Listening sockets by namespace.
    pub listeners: BTreeMap<NetNs, Dated<ListenerTable>>,
    /// How local ports are used, by namespace.
    pub ports: BTreeMap<NetNs, Dated<PortUse>>,
    /// Overflow counters when first seen, by namespace.
    pub first_overflows: BTreeMap<NetNs, u64>,
    /// Processes that matter.
    pub processes: BTreeMap<u32, Process>,
    /// Their descriptor use.
    pub limits: BTreeMap<u32, ProcessLimits>,
    /// Socket paths, as each gateway sees them.
    pub socket_files: BTreeMap<(GatewayId, Text), SocketFile>,
    /// Units.
    pub units: BTreeMap<UnitName, Unit>,
    /// Containers.
    pub containers: BTreeMap<ContainerId, Container>,
    /// Events of Docker's stream.
    pub container_events: Ring<ContainerEvent>,
    /// Log lines, classified and folded.
    pub logs: LogBook,
    /// The newest lines of all logs, known or not.
    pub lines: Lines,
    /// Failed requests and traffic.
    pub access: AccessBook,
    /// What the logs that were there already said.
    pub triage: Option<Box<Triage>>,
    /// Application logs found beside the gateways' own.
    pub found_logs: BTreeSet<LogTarget>,
    /// When a repair was last proven by requests through a gateway, by the address that failed there;
    /// without one, where the gateway as a whole did.
    pub proven: BTreeMap<(GatewayId, Option<Address>), Wall>,
    /// Memory kills.
    pub kills: Ring<KernelKill>,
    /// Crashes logged by the kernel.
    pub segfaults: Ring<Segfault>,
    /// Control groups.
    pub cgroups: BTreeMap<Owner, CgroupTrack>,
    /// Memory of the host, newest last.
    pub memory: Ring<Dated<MemorySample>>,
    /// CPU.
    pub cpu: Option<Dated<CpuSample>>,
    /// Pressure.
    pub pressure: Option<Dated<PressureSample>>,
    /// File systems by mount point.
    pub disks: BTreeMap<Text, Dated<DiskSample>>,
    /// Packet filter rules that hit upstreams.
    pub firewall: BTreeMap<NetNs, FirewallTable>,
    /// The newest probe of each address tried for each target.
    pub probes: BTreeMap<(GatewayId, Address, Address), Dated<Probe>>,
    /// The newest lookup of each name at each server.
    pub resolutions: BTreeMap<(Text, Option<SocketAddr>), Dated<Resolution>>,
    /// What changed on the host lately, as told by the source of changes, newest last.
    pub changes: Vec<Change>,
    /// Containers that were seen to be made anew from another image.
    pub images: Images,
    /// What the kernel is set to.
    pub settings: Option<HostSettings>,
    /// Ways out of each namespace.
    pub ways: BTreeMap<NetNs, Ways>,
    /// What is out of sight.
    pub blind: BTreeMap<(SourceId, Text), BlindSpot>,
    /// Data that was lost, and when that was noticed.
    pub gaps: Ring<Dated<Gap>>,
    /// Newest attention that each source has swept.
    pub swept: BTreeMap<SourceId, u64>,
    /// When each gateway that is known was found.
    pub found: BTreeMap<GatewayId, Found>,
    /// When each source last said anything.
    pub heard: BTreeMap<SourceId, Moment>,
    /// Who was seen listening where in this session.
    pub history: BTreeMap<Address, Owner>,
    /// When a socket was last seen to listen somewhere, as often as its namespace changed.
    pub listened: BTreeMap<Address, Wall>,
    /// When each source last said that it has looked at everything that is asked of it.
    pub looked: BTreeMap<SourceId, Moment>,
    /// Process managers besides systemd and the container engines, by kind and home.
    pub managers: BTreeMap<(ManagerKind, Text), Manager>,
    /// What was seen of managed programs in this session.
    pub programs: ProgramBook,
}

impl CaseFile {
    /// An empty case.
    pub fn new() -> Self {
        Self {
            container_events: Ring::new(EVENTS),
            kills: Ring::new(KILLS),
            segfaults: Ring::new(KILLS),
            memory: Ring::new(HISTORY),
            gaps: Ring::new(GAPS),
            ..Self::default()
        }
    }

    /// Whether a source reported anything as out of sight.
    pub fn is_blind(&self, source: SourceId) -> bool {
        self.blind.keys().any(|(s, _)| *s == source)
    }

    /// The namespace of a gateway, or the only one known.
    pub fn netns_of(&self, gateway: &Gateway) -> Option<NetNs> {
        gateway.netns.or_else(|| {
            let mut all = self.listeners.keys();
            match (all.next(), all.next()) {
                (Some(only), None) => Some(*only),
                _ => None,
            }
        })
    }

    /// When an address was last seen to be served, on itself or on every address of its port.
    pub fn listened_at(&self, address: &Address) -> Option<Wall> {
        let own = self.listened.get(address).copied();
        let Address::Tcp(tcp) = address else { return own };
        let any = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let wide = any.map(|ip| Address::Tcp(SocketAddr::new(ip, tcp.port())));
        wide.iter().filter_map(|address| self.listened.get(address).copied()).chain(own).max()
    }

    /// The unit that owns a process.
    pub fn owner_of(&self, pid: u32) -> Option<&Owner> {
        self.processes.get(&pid).and_then(|p| p.owner.as_ref())
    }

    /// A managed program, with its manager.
    pub fn program(&self, id: &ProgramId) -> Option<(&Manager, &ManagedProgram)> {
        let manager = self.managers.get(&(id.manager, id.home.clone()))?;
        manager.programs.iter().find(|program| program.id == *id).map(|one| (manager, one))
    }

    /// Every managed program, with its manager.
    pub fn all_programs(&self) -> impl Iterator<Item = (&Manager, &ManagedProgram)> {
        self.managers.values().flat_map(|m| m.programs.iter().map(move |p| (m, p)))
    }

    /// The managed program that a process is part of.
    pub fn program_of(&self, pid: u32) -> Option<&ManagedProgram> {
        self.all_programs().map(|(_, program)| program).find(|p| p.tree.contains(&pid))
    }

    /// The container in which the systemd runs whose units are known, if it runs in one: the
    /// kernel log is shared by all of them, and another container may have a unit of the same name.
    fn home(&self) -> Option<ContainerId> {
        let paths = self.units.values().map(|unit| unit.cgroup.raw());
        let known = paths.filter(|path| !path.is_empty());
        known.map(ContainerId::from_cgroup).next().flatten()
    }

    /// Whether a path of the kernel log lies in the tree that our units live in. In a control
    /// group namespace of its own a systemd does not know the container around it: then a
    /// container that nobody here knows is that one.
    fn is_home(&self, path: &str, home: Option<&ContainerId>) -> bool {
        let Some(id) = ContainerId::from_cgroup(path) else { return home.is_none() };
        if home.is_some() {
            return home == Some(&id);
        }
        let another = self.is_blind(SourceId::Docker)
            || self.containers.contains_key(&id)
            || self.processes.values().any(|p| p.cgroup.raw().contains(id.as_str()));
        !another
    }

    /// Memory kills whose victim belonged to `owner`, at or after `since`, oldest first.
    pub fn kills_of(&self, owner: &Owner, since: Wall) -> Vec<&KernelKill> {
        let home = self.home();
        let here = |kill: &KernelKill| match (owner, &kill.cgroup) {
            (Owner::Unit(_), Some(path)) => self.is_home(path.raw(), home.as_ref()),
            _ => true,
        };
        let theirs = |kill: &&KernelKill| {
            kill.at >= since && kill.owner.as_ref() == Some(owner) && here(kill)
        };
        self.kills.iter().filter(theirs).collect()
    }
}

/// Takes one observation into the case: the evidence step of the story.
pub fn admit(case: &mut CaseFile, seen: &Observation, signatures: &Signatures) {
    case.now = case.now.max(seen.at);
    case.began.get_or_insert(seen.at);
    case.heard.insert(seen.source, seen.at);
    let at = seen.at;
    match &seen.seen {
        Seen::Gateway(gateway) => {
            if !case.found.contains_key(&gateway.id) {
                case.found.insert(gateway.id.clone(), Found::now(case, at));
            }
            case.gateways.insert(gateway.id.clone(), gateway.clone());
        }
        Seen::GatewayGone(id) => {
            case.gateways.remove(id);
            case.found.remove(id);
            case.configs.remove(id);
            case.runtime.remove(id);
        }
        Seen::Config(config) => {
            case.configs.insert(config.gateway.clone(), (**config).clone());
            case.logs.tie(config);
        }
        Seen::Runtime(state) => admit_runtime(case, state, at),
        Seen::Listeners(table) => admit_listeners(case, table, at),
        Seen::Ports(value) => drop(case.ports.insert(value.netns, Dated { at, value: *value })),
        Seen::Processes(list) => {
            case.processes = list.iter().map(|p| (p.pid, p.clone())).collect();
            case.limits.retain(|pid, _| case.processes.contains_key(pid));
            remember_owners(case);
        }
        Seen::Limits(limits) => drop(case.limits.insert(limits.pid, *limits)),
        Seen::SocketFile(file) => {
            case.socket_files.insert((file.gateway.clone(), file.path.clone()), file.clone());
        }
        Seen::Unit(unit) => {
            let mut unit = (**unit).clone();
            case.logs.remind(&mut unit);
            case.units.insert(unit.name.clone(), unit);
        }
        Seen::UnitGone(name) => drop(case.units.remove(name)),
        Seen::Container(container) => {
            case.images.note(container, at.wall);
            case.containers.insert(container.id.clone(), (**container).clone());
        }
        Seen::ContainerGone(id) => drop(case.containers.remove(id)),
        Seen::ContainerEvent(event) => {
            case.lines.container(event, at.wall);
            case.container_events.push(event.clone());
        }
        Seen::Manager(manager) => {
            let key = (manager.kind, manager.home.clone());
            case.programs.admit(manager, at.wall);
            case.managers.insert(key, (**manager).clone());
            remember_owners(case);
        }
        Seen::ManagerGone(kind, home) => drop(case.managers.remove(&(*kind, home.clone()))),
        Seen::Log(line) => {
            admit_line(case, line, at, signatures);
            if let (Program::Systemd, Origin::Journal(name)) = (line.program, &line.origin)
                && let Some(unit) = case.units.get_mut(name)
            {
                case.logs.remind(unit);
            }
        }
        Seen::LogFound(target) => drop(case.found_logs.insert(target.clone())),
        Seen::Access(entry) => {
            case.lines.request(entry, at.wall);
            let tied = entry_line::tied(case.configs.get(&entry.gateway), entry);
            case.access.admit(tied.as_ref().unwrap_or(entry));
        }
        Seen::Traffic(traffic) => case.access.count(traffic),
        Seen::Triage(triage) => case.triage = Some(triage.clone()),
        Seen::Kill(kill) => {
            if !case.kills.iter().any(|k| k.sequence == kill.sequence) {
                case.lines.kill(kill, at.wall);
                case.kills.push(kill.clone());
            }
        }
        Seen::Segfault(fault) => {
            if !case.segfaults.iter().any(|f| f.sequence == fault.sequence) {
                case.lines.segfault(fault, at.wall);
                case.segfaults.push(fault.clone());
            }
        }
        Seen::Cgroup(sample) => admit_cgroup(case, sample, at),
        Seen::Memory(value) => case.memory.push(Dated { at, value: *value }),
        Seen::Cpu(value) => case.cpu = Some(Dated { at, value: *value }),
        Seen::Pressure(value) => case.pressure = Some(Dated { at, value: *value }),
        Seen::Disk(disk) => {
            case.disks.insert(disk.mount.clone(), Dated { at, value: disk.clone() });
        }
        Seen::Firewall(table) => drop(case.firewall.insert(table.netns, table.clone())),
        Seen::Probe(probe) => {
            let key = (probe.gateway.clone(), probe.target.clone(), probe.tried.clone());
            case.probes.insert(key, Dated { at, value: probe.clone() });
        }
        Seen::Resolution(resolution) => {
            let key = (resolution.host.clone(), resolution.server);
            case.resolutions.insert(key, Dated { at, value: resolution.clone() });
        }
        Seen::Changes(list) => {
            case.changes.clone_from(list);
            case.changes.truncate(CHANGES);
        }
        Seen::Settings(settings) => case.settings = Some(settings.clone()),
        Seen::Ways(ways) => drop(case.ways.insert(ways.netns, ways.clone())),
        Seen::Blind(spot) => {
            case.blind.insert((spot.source, spot.what.clone()), spot.clone());
        }
        Seen::Sighted => case.blind.retain(|(source, _), _| *source != seen.source),
        Seen::Gap(gap) => {
            case.lines.gap(gap.source, gap, at.wall);
            case.gaps.push(Dated { at, value: gap.clone() });
        }
        Seen::Swept { generation } => {
            case.swept.insert(seen.source, *generation);
            case.looked.insert(seen.source, at);
        }
    }
}

fn admit_line(case: &mut CaseFile, line: &LogLine, at: Moment, signatures: &Signatures) {
    let owned = with_gateway(case, line);
    let line = owned.as_ref().unwrap_or(line);
    if let Some((entry, traffic)) = entry_line::of_journal(case, line, at) {
        if let Some(entry) = entry {
            case.access.admit(&entry);
        }
        case.access.count(&traffic);
    }
    let config = line.gateway.as_ref().and_then(|id| case.configs.get(id));
    let found = case.logs.admit(line, at, signatures, config);
    let upstream = found.upstream.map(|address| address.to_string()).unwrap_or_default();
    let container = match &line.origin {
        Origin::ContainerLog(id) => case.containers.get(id).map(|c| c.name.raw()),
        _ => None,
    };
    let (signature, seen) = (found.signature, at.wall);
    let new = NewLine { line, at: found.at, seen, signature, upstream: &upstream, container };
    case.lines.log(&new);
}

/// A gateway that logs to its standard error stream has its lines in the journal of its unit.
fn with_gateway(case: &CaseFile, line: &LogLine) -> Option<LogLine> {
    let Origin::Journal(unit) = &line.origin else { return None };
    if line.gateway.is_some() || !line.program.is_gateway() {
        return None;
    }
    let of_unit = |g: &&Gateway| {
        g.unit.as_ref() == Some(unit) && g.kind.program() == line.program && g.container.is_none()
    };
    let gateway = case.gateways.values().find(of_unit)?.id.clone();
    Some(LogLine { gateway: Some(gateway), ..line.clone() })
}

fn admit_runtime(case: &mut CaseFile, state: &GatewayRuntime, at: Moment) {
    let now = Dated { at, value: state.clone() };
    let track = case
        .runtime
        .entry(state.gateway.clone())
        .or_insert_with(|| RuntimeTrack { first: state.clone(), now: now.clone() });
    let errors = |state: &GatewayRuntime| -> u64 {
        state.servers.iter().filter_map(|s| s.connect_errors).fold(0, u64::saturating_add)
    };
    // A gateway that was started anew begins its counters again.
    if errors(state) < errors(&track.first) {
        track.first = state.clone();
    }
    track.now = now;
}

fn admit_listeners(case: &mut CaseFile, table: &ListenerTable, at: Moment) {
    if let Some(overflows) = table.overflows {
        case.first_overflows.entry(table.netns).or_insert(overflows);
    }
    for listener in &table.listeners {
        if case.listened.len() < REMEMBERED || case.listened.contains_key(&listener.address) {
            case.listened.insert(listener.address.clone(), at.wall);
        }
    }
    case.listeners.insert(table.netns, Dated { at, value: table.clone() });
    remember_owners(case);
}

/// Addresses of which it is remembered who listened there, and when.
const REMEMBERED: usize = 4096;

/// Keeps who listened where, so that a listener that vanishes still has a name.
fn remember_owners(case: &mut CaseFile) {
    let mut found = Vec::new();
    let programs = case.managers.values().flat_map(|manager| &manager.programs);
    let managed: BTreeMap<u32, &ProgramId> =
        programs.flat_map(|program| program.tree.iter().map(|pid| (*pid, &program.id))).collect();
    for table in case.listeners.values() {
        for listener in &table.value.listeners {
            if let Some(id) = listener.pids.iter().find_map(|pid| managed.get(pid)) {
                case.programs.serves(&listener.address, (*id).clone());
            }
            let owner = listener.pids.iter().find_map(|pid| case.owner_of(*pid));
            if let Some(owner) = owner
                && case.history.get(&listener.address) != Some(owner)
            {
                found.push((listener.address.clone(), owner.clone()));
            }
        }
    }
    for (address, owner) in found {
        if case.history.len() < REMEMBERED || case.history.contains_key(&address) {
            case.history.insert(address, owner);
        }
    }
}

fn admit_cgroup(case: &mut CaseFile, sample: &CgroupSample, at: Moment) {
    let now = Dated { at, value: sample.clone() };
    let track = case.cgroups.entry(sample.owner.clone()).or_insert_with(|| CgroupTrack {
        first: sample.clone(),
        now: now.clone(),
        memory: VecDeque::new(),
    });
    // A group that was made anew starts its counters again.
    if sample.oom_kills < track.first.oom_kills {
        track.first = sample.clone();
    }
    track.now = now;
    if let Some(bytes) = sample.memory {
        if track.memory.len() >= HISTORY {
            track.memory.pop_front();
        }
        track.memory.push_back(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namesake_in_another_container_is_not_our_unit() {
        let (ours, other) = ("a".repeat(64), "b".repeat(64));
        let case = CaseFile::new();
        let home = ContainerId::new(ours.clone()).unwrap();
        let path = |id: &str| format!("/docker/{id}/system.slice/app.service");
        assert!(case.is_home(&path(&ours), Some(&home)));
        assert!(!case.is_home(&path(&other), Some(&home)));
        assert!(!case.is_home("/system.slice/app.service", Some(&home)));
        assert!(case.is_home("/system.slice/app.service", None));
        // A private control group namespace hides the container around us.
        assert!(case.is_home(&path(&ours), None));
    }
}
