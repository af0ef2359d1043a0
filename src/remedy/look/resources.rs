//! Memory, disks, descriptors.

use crate::{
    evidence::topology::Peer,
    observation::{KillScope, Owner, SourceId},
};

use super::{
    Measured,
    sight::{Sight, Tally},
};

pub(super) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

pub(super) fn memory(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    if let Some(sample) = sight.case.memory.last() {
        let (free, total) = (sample.value.available, sample.value.total);
        let text = format!("{} of {} available", mib(free), mib(total));
        tally.judge(free > total / 20, text);
    }
    let window = sight.diagnosis.incident.window;
    let units = sight.units();
    let peers = sight.chains.iter().flat_map(|chain| &chain.peers);
    let containers: Vec<_> = peers.filter_map(Peer::responsible_container).collect();
    for kill in sight.case.kills.iter().rev() {
        let ours = match &kill.owner {
            Some(Owner::Unit(name)) => units.iter().any(|unit| unit.name == *name),
            Some(Owner::Container(id)) => containers.iter().any(|c| c.id == *id),
            Some(Owner::Program(_)) => false,
            None => kill.scope == KillScope::Host,
        };
        let by = match (&kill.scope, kill.limit) {
            (KillScope::Host | KillScope::Nodes, _) => "the whole host was full".to_owned(),
            (KillScope::Cgroup(_), Some(limit)) => {
                format!("its limit of {} was reached", mib(limit))
            }
            (KillScope::Cgroup(_), None) => "its own limit was reached".to_owned(),
        };
        let text = format!("{} ({}) was killed at {}: {by}", kill.name, kill.pid, kill.at);
        if kill.at < window {
            tally.note(format!("{text}; before this incident"));
        } else if ours {
            tally.bad(text);
        } else {
            tally.note(format!("{text}; no upstream leads to it"));
        }
    }
    if let Some(blind) = sight.blind(SourceId::Kernel) {
        tally.unknown(blind);
    }
    tally.command(&["free", "-m"]);
    tally.measured("memory has not been looked at yet")
}

pub(super) fn limit(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for unit in sight.units() {
        match (unit.memory_current, unit.memory_max) {
            (Some(now), Some(max)) => {
                let text = format!("{}: {} of {} allowed", unit.name, mib(now), mib(max));
                tally.judge(now < max / 10 * 9, text);
            }
            (_, Some(max)) => tally.note(format!("{}: {} allowed", unit.name, mib(max))),
            (_, None) => tally.note(format!("{}: no limit of its own", unit.name)),
        }
    }
    for (owner, track) in &sight.case.cgroups {
        let sample = &track.now.value;
        if let (Some(now), Some(max), Owner::Container(id)) =
            (sample.memory, sample.memory_max, owner)
        {
            let name = sight.case.containers.get(id).map(|c| c.name.to_string());
            let name = name.unwrap_or_else(|| id.short().to_owned());
            let text = format!("container {name}: {} of {} allowed", mib(now), mib(max));
            tally.judge(now < max / 10 * 9, text);
        }
    }
    match sight.units().first() {
        Some(unit) => tally.command(&[
            "systemctl",
            "show",
            unit.name.as_str(),
            "-p",
            "MemoryMax,MemoryCurrent",
        ]),
        None => tally.command(&["systemd-cgtop", "-m", "-n", "1"]),
    }
    tally.measured("nothing behind the upstreams has a limit that can be seen")
}

pub(super) fn disk(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for (mount, sample) in &sight.case.disks {
        let disk = &sample.value;
        if disk.total == 0 || (disk.read_only && disk.available == 0) {
            continue;
        }
        let full = disk.available < disk.total / 20;
        let no_inodes = disk.inodes > 0 && disk.inodes_free < disk.inodes / 20;
        let stuck =
            disk.read_only && ["/", "/var", "/var/log", "/tmp", "/run"].contains(&mount.raw());
        let mut text = format!("{mount}: {} of {} free", mib(disk.available), mib(disk.total));
        if no_inodes {
            text.push_str(", inodes nearly gone");
        }
        if stuck {
            text.push_str(", read-only");
        }
        tally.judge(!full && !no_inodes && !stuck, text);
    }
    if let Some(blind) = sight.blind(SourceId::Disks) {
        tally.unknown(blind);
    }
    tally.command(&["df", "-h"]);
    tally.measured("disks have not been looked at yet")
}

pub(super) fn descriptors(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let mut pid = None;
    for (id, limits) in &sight.case.limits {
        let Some(open) = limits.open_files else { continue };
        let name = sight.case.processes.get(id).map(|p| p.name.to_string()).unwrap_or_default();
        let text = format!("{name} ({id}): {open} of {} open files", limits.max_open_files);
        let full = open >= limits.max_open_files / 10 * 9;
        if full {
            pid = Some(id.to_string());
        }
        tally.judge(!full, text);
        pid = pid.or_else(|| Some(id.to_string()));
    }
    let path = format!("/proc/{}/limits", pid.unwrap_or_else(|| "self".to_owned()));
    tally.command(&["cat", &path]);
    tally.measured("open files of other users' processes can be counted by root only")
}
