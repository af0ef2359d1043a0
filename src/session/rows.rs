//! The rows of each pane: which there are, in which order, and what a search finds in them.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use crate::{
    diagnosis::{Finding, UpstreamRow},
    evidence::{Fold, SignatureId, gateway_line},
    observation::{
        Address, BlindSpot, ContainerId, ContainerState, DiskSample, GatewayId, KernelKill,
        KillScope, Owner, Program, ProgramId, ProgramState, SourceId, Text, UnitActive, UnitName,
        UpstreamId,
    },
};

use super::{
    Pane, Shown, requests,
    states::Restarts,
    timeline::{self, MarkKey},
};

/// What a row is: its identity while everything around it changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// A cause: its id and whom it concerns.
    Finding(&'static str, String),
    /// A cause whose effect is over.
    Recovered(&'static str, String),
    /// Something that catches the eye and has no part in the incident.
    Outside(String),
    /// An upstream.
    Upstream(UpstreamId),
    /// Requests that failed.
    Requests,
    /// Log lines of one kind.
    Fold(SignatureId, Option<Address>, Program),
    /// Memory of the host.
    Memory,
    /// Swap of the host.
    Swap,
    /// Stalls of the host.
    Pressure,
    /// A memory kill, by its sequence number.
    Kill(u64),
    /// A crash, by its sequence number.
    Segfault(u64),
    /// A control group.
    Cgroup(Owner),
    /// A file system that is nearly full.
    Disk(Text),
    /// A unit.
    Unit(UnitName),
    /// A container.
    Container(ContainerId),
    /// A program of another manager than systemd.
    Program(ProgramId),
    /// A log line.
    Line(super::logs::Key),
    /// Something on the timeline.
    Mark(MarkKey),
    /// What can be seen and what cannot.
    Sources,
}

/// What is outside the incident, named one by one, at most.
const OUTSIDE: usize = 3;

/// Where a pane's content comes from.
pub const fn sources(pane: Pane) -> &'static [SourceId] {
    use SourceId as S;
    match pane {
        Pane::Cause => &[],
        Pane::Upstreams => &[
            S::Gateways,
            S::Listeners,
            S::Probes,
            S::Processes,
            S::SocketFiles,
            S::Names,
            S::Firewall,
        ],
        Pane::Errors => &[S::Logs, S::Journal],
        Pane::Memory => &[S::Pressure, S::Cgroups, S::Kernel, S::Disks],
        Pane::Units => &[S::Units, S::Docker, S::Managers],
        Pane::Timeline => &[S::Logs, S::Journal, S::Units, S::Docker, S::Kernel, S::Changes],
    }
}

/// What a pane cannot show because its sources are blind.
pub fn blind<'a>(shown: &Shown<'a>, pane: Pane) -> impl Iterator<Item = &'a BlindSpot> + use<'a> {
    let spots = shown.case.blind.values();
    spots.filter(move |spot| sources(pane).contains(&spot.source))
}

/// The rows of a pane in order; with a query only those that it is found in.
pub fn keys(shown: &Shown<'_>, pane: Pane, query: &str) -> Vec<RowKey> {
    if pane == Pane::Timeline {
        let query = query.to_lowercase();
        let found = |text: &str| query.is_empty() || text.to_lowercase().contains(&query);
        let list = timeline::marks(shown).list.into_iter();
        return list.filter(|m| found(&m.words())).map(|mark| RowKey::Mark(mark.key())).collect();
    }
    let mut keys = match pane {
        Pane::Cause => causes(shown),
        Pane::Upstreams => upstreams(shown),
        Pane::Errors => errors(shown),
        Pane::Memory => memory(shown),
        Pane::Units => units(shown),
        Pane::Timeline => Vec::new(),
    };
    if !query.is_empty() {
        let query = query.to_lowercase();
        keys.retain(|key| haystack(shown, key).to_lowercase().contains(&query));
    }
    keys
}

/// What a row is called where it stands alone; empty when it is gone.
pub fn name(shown: &Shown<'_>, key: &RowKey) -> String {
    match key {
        RowKey::Finding(..) | RowKey::Recovered(..) => {
            finding(shown, key).map(|f| format!("{}: {}", f.cause, f.summary)).unwrap_or_default()
        }
        RowKey::Upstream(id) => {
            let row = shown.diagnosis.upstreams.iter().find(|row| row.id == *id);
            row.map(|row| {
                let behind = row.unit.as_ref().map(ToString::to_string);
                let program = || row.program.as_ref().map(ToString::to_string);
                let behind = behind.or_else(program);
                let behind =
                    behind.or_else(|| row.container.as_ref().map(|(_, name)| name.to_string()));
                let behind = behind.map(|name| format!(" → {name}")).unwrap_or_default();
                format!("{}{behind}, {}", row.address, row.state)
            })
            .unwrap_or_default()
        }
        RowKey::Unit(name) => name.to_string(),
        RowKey::Container(id) => owner_name(shown, Some(&Owner::Container(id.clone()))),
        RowKey::Program(id) => id.to_string(),
        _ => haystack(shown, key),
    }
}

/// The finding behind a row.
pub fn finding<'a>(shown: &Shown<'a>, key: &RowKey) -> Option<&'a Finding> {
    let (list, cause, whom) = match key {
        RowKey::Finding(cause, whom) => (&shown.diagnosis.findings, cause, whom),
        RowKey::Recovered(cause, whom) => (&shown.diagnosis.recovered, cause, whom),
        _ => return None,
    };
    list.iter().find(|f| f.cause == *cause && f.subject.whom() == *whom)
}

fn causes(shown: &Shown<'_>) -> Vec<RowKey> {
    let diagnosis = shown.diagnosis;
    let current = diagnosis.findings.iter().map(|f| RowKey::Finding(f.cause, f.subject.whom()));
    let over = diagnosis.recovered.iter().map(|f| RowKey::Recovered(f.cause, f.subject.whom()));
    // What has no part in it is named, and does not stand before what has.
    let rest = diagnosis.outside.len().saturating_sub(OUTSIDE);
    let more = (rest > 0).then(|| RowKey::Outside(format!("{rest} more, see 5 and 6")));
    let outside = diagnosis.outside.iter().take(OUTSIDE).map(|o| RowKey::Outside(o.clone()));
    current.chain(over).chain(outside).chain(more).collect()
}

fn upstreams(shown: &Shown<'_>) -> Vec<RowKey> {
    shown.diagnosis.ranked().map(|row| RowKey::Upstream(row.id.clone())).collect()
}

/// The rows behind keys of upstreams, in their order; what is gone is left out. All are looked for in
/// one pass: there may be thousands.
pub fn upstream_rows<'a>(shown: &Shown<'a>, keys: &[RowKey]) -> Vec<&'a UpstreamRow> {
    let mut places: HashMap<&UpstreamId, usize> = HashMap::new();
    for (place, key) in keys.iter().enumerate() {
        if let RowKey::Upstream(id) = key {
            places.insert(id, place);
        }
    }
    let rows = shown.diagnosis.upstreams.iter();
    let mut found: Vec<(usize, &UpstreamRow)> =
        rows.filter_map(|row| places.get(&row.id).map(|place| (*place, row))).collect();
    found.sort_unstable_by_key(|(place, _)| *place);
    found.dedup_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, row)| row).collect()
}

/// Whether a log row belongs to the incident.
pub fn is_recent(shown: &Shown<'_>, fold: &Fold) -> bool {
    fold.last >= shown.diagnosis.incident.window
}

/// What the gateway says of its upstreams first, old lines last.
fn errors(shown: &Shown<'_>) -> Vec<RowKey> {
    let class = |fold: &Fold| match fold.program {
        program if program.is_gateway() && fold.signature.is_failure() => 0,
        program if program.is_gateway() => 1,
        _ => 2,
    };
    let mut rows: Vec<_> = shown.case.logs.folds.iter().collect();
    rows.sort_by_key(|(_, f)| (!is_recent(shown, f), class(f), Reverse(f.count)));
    let folds = rows.into_iter().map(|((id, to, who), _)| RowKey::Fold(*id, to.clone(), *who));
    let requests = requests::any(shown).then_some(RowKey::Requests);
    requests.into_iter().chain(folds).collect()
}

/// Why a memory kill has no part in the incident, as far as its time and its owner tell.
pub fn outside(shown: &Shown<'_>, kill: &KernelKill) -> Option<&'static str> {
    outside_of(shown, &behind(shown), kill)
}

/// As [`outside`], with what requests depend on known already: there may be many of both.
pub fn outside_of(
    shown: &Shown<'_>,
    (units, containers): &(BTreeSet<UnitName>, BTreeSet<ContainerId>),
    kill: &KernelKill,
) -> Option<&'static str> {
    if kill.at < shown.diagnosis.incident.window {
        return Some("before this incident");
    }
    let needed = match &kill.owner {
        Some(Owner::Unit(name)) => units.contains(name),
        Some(Owner::Container(id)) => containers.contains(id),
        Some(Owner::Program(_)) | None => false,
    };
    (!needed && kill.scope != KillScope::Host).then_some("no upstream leads to it")
}

/// File systems of which it matters that they cannot be written.
const WRITTEN: [&str; 5] = ["/", "/run", "/tmp", "/var", "/var/log"];

/// Whether a file system is nearly full, or read-only where that breaks things. Images that are
/// full by nature are neither.
fn is_troubled(disk: &DiskSample) -> bool {
    let image = disk.total == 0 || disk.read_only && disk.available == 0;
    let stuck = disk.read_only && WRITTEN.contains(&disk.mount.raw());
    stuck || !image && disk.available < disk.total / 20
}

/// Where a gateway runs, when there are several: the name of its container, or the host.
pub fn home(shown: &Shown<'_>, gateway: &GatewayId) -> Option<String> {
    let all = &shown.diagnosis.gateways;
    let found = all.iter().find(|g| g.id == *gateway).filter(|_| all.len() > 1)?;
    let container = found.container.as_ref().map(|id| Owner::Container(id.clone()));
    Some(container.map_or_else(|| "host".to_owned(), |owner| owner_name(shown, Some(&owner))))
}

fn memory(shown: &Shown<'_>) -> Vec<RowKey> {
    let case = shown.case;
    let mut keys = Vec::new();
    if let Some(memory) = case.memory.last() {
        keys.push(RowKey::Memory);
        if memory.value.swap_total > 0 {
            keys.push(RowKey::Swap);
        }
    }
    if case.pressure.is_some() {
        keys.push(RowKey::Pressure);
    }
    let behind = if case.kills.is_empty() { Default::default() } else { behind(shown) };
    let kill = |inside: bool| {
        let theirs = |k: &&KernelKill| outside_of(shown, &behind, k).is_none() == inside;
        let all = case.kills.iter().rev().filter(theirs);
        all.map(|k| RowKey::Kill(k.sequence)).collect::<Vec<_>>()
    };
    let crash = |inside: bool| {
        let window = shown.diagnosis.incident.window;
        let all = case.segfaults.iter().rev().filter(move |f| (f.at >= window) == inside);
        all.map(|f| RowKey::Segfault(f.sequence))
    };
    keys.extend(kill(true).into_iter().chain(crash(true)));
    let disks = case.disks.iter().filter(|(_, d)| is_troubled(&d.value));
    keys.extend(disks.map(|(mount, _)| RowKey::Disk(mount.clone())));
    let mut groups: Vec<_> = case.cgroups.iter().collect();
    groups.sort_by_key(|(owner, track)| {
        let share = track.now.value.memory.zip(track.now.value.memory_max);
        // In steps, so that two groups that breathe do not change places all the time.
        let share = share.map_or(0, |(now, max)| u128::from(now) * 20 / u128::from(max.max(1)));
        (Reverse(share), (*owner).clone())
    });
    keys.extend(groups.into_iter().map(|(owner, _)| RowKey::Cgroup(owner.clone())));
    keys.extend(kill(false).into_iter().chain(crash(false)));
    keys
}

/// Units and containers that requests depend on.
pub fn behind(shown: &Shown<'_>) -> (BTreeSet<UnitName>, BTreeSet<ContainerId>) {
    let rows = || shown.diagnosis.upstreams.iter();
    let gateways = || shown.diagnosis.gateways.iter();
    let mut units: BTreeSet<UnitName> = rows().filter_map(|r| r.unit.clone()).collect();
    units.extend(gateways().filter_map(|g| g.unit.clone()));
    let mut containers: BTreeSet<ContainerId> =
        rows().filter_map(|r| r.container.as_ref().map(|(id, _)| id.clone())).collect();
    containers.extend(gateways().filter_map(|g| g.container.clone()));
    (units, containers)
}

/// Managed programs that requests depend on.
pub fn programs_behind(shown: &Shown<'_>) -> BTreeSet<ProgramId> {
    shown.diagnosis.upstreams.iter().filter_map(|row| row.program.clone()).collect()
}

fn units(shown: &Shown<'_>) -> Vec<RowKey> {
    let case = shown.case;
    let (needed_units, needed_containers) = behind(shown);
    let restarts = Restarts::new(shown);
    let mut rows: Vec<(bool, u8, String, RowKey)> = Vec::new();
    for unit in case.units.values() {
        let rank = match unit.active {
            _ if restarts.unit_loops(shown, unit) => 0,
            UnitActive::Failed => 0,
            UnitActive::Activating | UnitActive::Deactivating => 1,
            UnitActive::Inactive if needed_units.contains(&unit.name) => 2,
            UnitActive::Active | UnitActive::Reloading => 3,
            UnitActive::Inactive => 5,
        };
        let key = RowKey::Unit(unit.name.clone());
        rows.push((!needed_units.contains(&unit.name), rank, unit.name.to_string(), key));
    }
    for container in case.containers.values() {
        let needed = needed_containers.contains(&container.id);
        let rank = match container.state {
            _ if restarts.container_loops(shown, container) => 0,
            ContainerState::Restarting => 0,
            ContainerState::Paused => 1,
            ContainerState::Exited if needed => 2,
            ContainerState::Running => 3,
            _ => 4,
        };
        let key = RowKey::Container(container.id.clone());
        rows.push((!needed, rank, container.name.to_string(), key));
    }
    let needed_programs = programs_behind(shown);
    for (_, program) in case.all_programs() {
        let needed = needed_programs.contains(&program.id);
        let rank = match program.state {
            ProgramState::GaveUp | ProgramState::Waiting => 0,
            ProgramState::Starting | ProgramState::Stopping => 1,
            ProgramState::Running => 3,
            _ if needed => 2,
            _ => 5,
        };
        let key = RowKey::Program(program.id.clone());
        rows.push((!needed, rank, program.id.to_string(), key));
    }
    rows.sort();
    rows.into_iter().map(|(_, _, _, key)| key).collect()
}

/// The message of a log row's newest line, without stamp and connection fields.
pub fn message(fold: &Fold) -> String {
    let parsed = gateway_line::parse(fold.program, fold.sample.raw());
    parsed.map_or_else(|| fold.sample.to_string(), |line| line.message.to_string())
}

/// What a search looks at.
fn haystack(shown: &Shown<'_>, key: &RowKey) -> String {
    let case = shown.case;
    match key {
        RowKey::Finding(..) | RowKey::Recovered(..) => {
            finding(shown, key).map(|f| format!("{} {}", f.cause, f.summary)).unwrap_or_default()
        }
        RowKey::Outside(text) => text.clone(),
        RowKey::Upstream(id) => {
            let Some(row) = shown.diagnosis.upstreams.iter().find(|r| r.id == *id) else {
                return String::new();
            };
            let unit = row.unit.as_ref().map(ToString::to_string).unwrap_or_default();
            let container = row.container.as_ref().map(|(_, n)| n.to_string()).unwrap_or_default();
            let program = row.program.as_ref().map(ToString::to_string).unwrap_or_default();
            let process = row.process.as_ref().map(ToString::to_string).unwrap_or_default();
            let group = row.group.as_ref().map(ToString::to_string).unwrap_or_default();
            let head = format!("{} {} {}", row.state, row.protocol.as_str(), row.address);
            format!(
                "{head} {} {unit} {program} {container} {process} {group} {}",
                row.reason, row.place
            )
        }
        RowKey::Fold(id, to, who) => {
            let sample =
                case.logs.folds.get(&(*id, to.clone(), *who)).map(|f| f.sample.to_string());
            format!("{id} {who} {}", sample.unwrap_or_default())
        }
        RowKey::Kill(n) => {
            let kill = case.kills.iter().find(|k| k.sequence == *n);
            kill.map(|k| {
                format!("killed {} {} {}", k.name, owner_name(shown, k.owner.as_ref()), k.text)
            })
            .unwrap_or_default()
        }
        RowKey::Segfault(n) => {
            let fault = case.segfaults.iter().find(|f| f.sequence == *n);
            fault.map(|f| format!("crash {} {}", f.name, f.text)).unwrap_or_default()
        }
        RowKey::Cgroup(owner) => owner_name(shown, Some(owner)),
        RowKey::Disk(mount) => format!("disk {mount}"),
        RowKey::Unit(name) => {
            let unit = case.units.get(name);
            unit.map(|u| format!("{name} {} {:?} {}", u.description, u.active, u.sub))
                .unwrap_or_default()
        }
        RowKey::Container(id) => {
            let container = case.containers.get(id);
            container
                .map(|c| format!("{} {} {id} {:?}", c.name, c.image, c.state))
                .unwrap_or_default()
        }
        RowKey::Program(id) => {
            let program = case.program(id).map(|(_, program)| program);
            program.map(|p| format!("{id} {} {}", p.command, p.state.as_str())).unwrap_or_default()
        }
        RowKey::Memory => "host memory".to_owned(),
        RowKey::Swap => "host swap".to_owned(),
        RowKey::Pressure => "host stalls psi".to_owned(),
        RowKey::Requests => {
            let kinds = requests::kinds(shown);
            kinds.iter().map(|kind| requests::words(kind.newest)).collect::<Vec<_>>().join(" ")
        }
        RowKey::Sources | RowKey::Line(_) | RowKey::Mark(_) => String::new(),
    }
}

/// Name of a unit or container on screen.
pub fn owner_name(shown: &Shown<'_>, owner: Option<&Owner>) -> String {
    match owner {
        Some(Owner::Unit(unit)) => unit.to_string(),
        Some(Owner::Container(id)) => {
            let name = shown.case.containers.get(id).map(|c| c.name.to_string());
            name.unwrap_or_else(|| format!("container {id}"))
        }
        Some(Owner::Program(id)) => id.to_string(),
        None => "no unit".to_owned(),
    }
}

/// Seconds until a control group reaches its limit if it goes on rising as it did; `None` when it
/// does not rise, has no limit, or has more than an hour.
pub fn secs_to_limit(track: &crate::evidence::CgroupTrack) -> Option<u64> {
    /// A group is sampled this often while its use changes.
    const SAMPLE_SECS: u64 = 2;
    const SAMPLES: usize = 30;
    let limit = track.now.value.memory_max?;
    let newest = *track.memory.back()?;
    let count = track.memory.len().min(SAMPLES);
    let oldest = *track.memory.iter().rev().nth(count.checked_sub(1)?)?;
    let rise = newest.checked_sub(oldest).filter(|rise| *rise > limit / 50)?;
    let spent = u64::try_from(count - 1).ok()? * SAMPLE_SECS;
    let left = u128::from(limit.saturating_sub(newest)) * u128::from(spent) / u128::from(rise);
    u64::try_from(left).ok().filter(|secs| *secs < 3_600)
}
