//! How far a limit is raised. The demand is not known: far enough that a second try is seldom
//! needed, and not beyond what the host can give.

use crate::{
    evidence::CaseFile,
    observation::{Container, Owner, UnitName},
};

use super::{Action, UnitSetting};

const MIB: u64 = 1 << 20;
/// What daemons with many connections are commonly given.
const FILES: u64 = 65_536;
/// systemd's own highest default (`DefaultLimitNOFILE=`, systemd-system.conf(5)).
const MOST_FILES: u64 = 524_288;
/// Half of what pids have room for where nobody raised it (`kernel.pid_max`, proc(5)).
const MOST_TASKS: u64 = 16_384;

/// A higher memory limit of a unit.
pub(super) fn memory(case: &CaseFile, unit: &UnitName) -> Option<UnitSetting> {
    raised(case, case.units.get(unit)?.memory_max?).map(UnitSetting::MemoryMax)
}

/// A higher memory limit of a container.
pub(super) fn container_memory(case: &CaseFile, seen: &Container) -> Option<Action> {
    let memory = raised(case, seen.memory_limit?)?;
    let (container, name) = (seen.id.clone(), seen.name.clone());
    Some(Action::LimitContainer { container, name, memory })
}

/// Not beyond a quarter of what is available.
fn raised(case: &CaseFile, limit: u64) -> Option<u64> {
    let available = case.memory.iter().next_back()?.value.available;
    let wanted = limit.saturating_mul(4).max(limit.saturating_add(256 * MIB));
    let allowed = wanted.min(limit.saturating_add(available / 4));
    // A number that a person would have chosen.
    let step = if allowed >= 512 * MIB { 64 * MIB } else { MIB };
    let rounded = allowed / step * step;
    // Less than half as much again is not worth an outage of the rest of the host.
    (rounded > limit.saturating_add(limit / 2)).then_some(rounded)
}

/// A higher limit on open files. Where its processes have another limit than the unit gives them,
/// they set it themselves (`worker_rlimit_nofile`), and the unit's would change nothing.
pub(super) fn files(case: &CaseFile, unit: &UnitName) -> Option<UnitSetting> {
    let limit = case.units.get(unit)?.limit_nofile?;
    let owner = Owner::Unit(unit.clone());
    let mut own = case.limits.iter().filter(|(pid, _)| case.owner_of(**pid) == Some(&owner));
    let inherited = own.all(|(_, seen)| seen.max_open_files == limit);
    let wanted = limit.saturating_mul(4).clamp(FILES, MOST_FILES);
    (inherited && wanted > limit).then_some(UnitSetting::LimitNofile(wanted))
}

/// A higher limit on tasks.
pub(super) fn tasks(case: &CaseFile, unit: &UnitName) -> Option<UnitSetting> {
    let limit = case.cgroups.get(&Owner::Unit(unit.clone()))?.now.value.pids_max?;
    let wanted = limit.saturating_mul(4).min(MOST_TASKS);
    (wanted > limit).then_some(UnitSetting::TasksMax(wanted))
}

/// What starts a unit anew: as a gateway where it is one, so that its workers are looked at.
pub(super) fn restart(case: &CaseFile, unit: &UnitName) -> Action {
    let unit = unit.clone();
    match case.gateways.values().find(|gateway| gateway.unit.as_ref() == Some(&unit)) {
        Some(gateway) => Action::RestartGateway { gateway: gateway.id.clone(), unit },
        None => Action::RestartUnit { unit },
    }
}
