//! Whether one program can take the memory of all.

use crate::{
    diagnosis::Scene,
    evidence::CaseFile,
    observation::{ManagerKind, Owner, Wall},
    remedy::UnitSetting,
};

use super::{
    item::{Precaution, Row, Standing},
    kept::{Kept, nobody, typed},
};

pub(super) const ROW: Row = Row {
    id: "memory",
    title: "A memory limit of its own",
    why: "A leak then ends the program that leaks, and not whichever one the kernel picks.",
    against: &[
        "oom-global",
        "oom-cgroup-unit",
        "oom-systemd-oomd",
        "container-oomkilled",
        "container-child-oom",
        "node-heap-oom",
        "app-recycled-memory",
        "app-worker-killed",
    ],
};

const MIB: u64 = 1 << 20;

pub(super) fn judge(scene: &Scene<'_>, kept: &[Kept<'_>]) -> Vec<Precaution> {
    if kept.is_empty() {
        return vec![ROW.unseen("what stands behind the gateways", nobody(scene))];
    }
    kept.iter().filter_map(|one| self::one(scene.case, one)).collect()
}

fn one(case: &CaseFile, kept: &Kept<'_>) -> Option<Precaution> {
    let (owner, limit) = match kept {
        Kept::Unit(unit) => (Owner::Unit(unit.name.clone()), unit.memory_max),
        Kept::Container(one) => (Owner::Container(one.id.clone()), one.memory_limit),
        Kept::Program(_, program) => (Owner::Program(program.id.clone()), program.memory_limit),
    };
    let track = case.cgroups.get(&owner);
    let limit = limit.or_else(|| track.and_then(|track| track.now.value.memory_max));
    if let Some(limit) = limit {
        let row = ROW
            .of(kept.name(), Standing::Present)
            .says(format!("its limit is {} MiB", limit / MIB), kept.origin());
        let kills = case.kills_of(&owner, Wall(i64::MIN)).len();
        return Some(match kills {
            0 => row,
            n => row.says(
                format!(
                    "{n} of its processes were killed for memory: the limit or the program is wrong"
                ),
                Some(crate::observation::Origin::KernelLog),
            ),
        });
    }
    // Supervisor, runit and OpenRC have no such limit.
    let row = ROW.of(kept.name(), Standing::Lacking).says("it has no memory limit", kept.origin());
    let used = match kept {
        Kept::Unit(unit) => unit.memory_current,
        _ => None,
    };
    let used = track
        .and_then(|track| track.memory.iter().max().copied().max(track.now.value.memory))
        .max(used);
    let amount = used.map(|used| ample(case, used));
    let row = match used {
        Some(used) => {
            row.says(format!("the most that was seen in use is {} MiB", used / MIB), None)
        }
        None => row,
    };
    Some(match (kept, amount) {
        (Kept::Unit(unit), Some(amount)) => row
            .add(
                typed(&["systemctl", "edit", unit.name.as_str()]),
                vec!["[Service]".to_owned(), UnitSetting::MemoryMax(amount).line()],
            )
            .mind("Watch its use over a day first: a limit below its peak brings the outage."),
        (Kept::Container(one), Some(amount)) => {
            let amount = format!("{}m", amount / MIB);
            row.add(
                "a shell",
                vec![typed(&[
                    "docker",
                    "update",
                    "--memory",
                    &amount,
                    "--memory-swap",
                    &amount,
                    one.name.raw(),
                ])],
            )
            .mind("Watch its use over a day first: a limit below its peak brings the outage.")
        }
        (Kept::Program(manager, _), _) if manager.kind == ManagerKind::Pm2 => {
            let amount = amount.map_or_else(|| "300M".to_owned(), |n| format!("{}M", n / MIB));
            row.add(
                "its entry in the ecosystem file",
                vec![format!("max_memory_restart: '{amount}',")],
            )
            .then("pm2 reload ecosystem.config.js && pm2 save")
            .mind("PM2 looks every 30 s and restarts it: it is no hard limit.")
        }
        (Kept::Program(manager, _), _) => {
            let unit = manager.unit.as_ref()?;
            row.says(format!("{} knows no memory limit: its unit can have one for all of its programs together", manager.kind), None)
                .add(
                    typed(&["systemctl", "edit", unit.as_str()]),
                    vec!["[Service]".to_owned(), "MemoryMax=75%".to_owned()],
                )
        }
        // How much it needs was not seen: three quarters of the host still save the host.
        (Kept::Unit(unit), None) => row
            .add(
                typed(&["systemctl", "edit", unit.name.as_str()]),
                vec!["[Service]".to_owned(), "MemoryMax=75%".to_owned()],
            )
            .mind("What it needs was not seen: this only keeps the rest of the host alive."),
        (Kept::Container(_), None) => row,
    })
}

/// Twice what was in use, not above three quarters of the host, as a person would write it.
fn ample(case: &CaseFile, used: u64) -> u64 {
    let total = case.memory.last().map(|memory| memory.value.total);
    let wanted = used.saturating_mul(2).max(128 * MIB);
    let most = total.map_or(wanted, |total| total / 4 * 3);
    wanted.min(most).div_ceil(64 * MIB) * 64 * MIB
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, unit},
        observation::SourceId,
        remedy::prevention::testing,
    };

    const AT: &str = "127.0.0.1:8000";

    fn row(host: &Host) -> Precaution {
        testing::row(host, "memory")
    }

    #[test]
    fn the_limit_to_add_is_twice_what_was_in_use() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).with(|u| u.memory_current = Some(200 * MIB)));
        let row = row(&host);
        assert_eq!(row.standing, Standing::Lacking);
        assert_eq!(row.add.unwrap().lines, ["[Service]", "MemoryMax=448M"]);
    }

    #[test]
    fn a_limit_that_was_hit_is_there_and_said_to_be_wrong() {
        let host = Host::passing_to(AT)
            .unit(
                unit("shop.service")
                    .claims(AT)
                    .killed(9, 60)
                    .with(|u| u.memory_max = Some(64 * MIB)),
            )
            .kill("/system.slice/shop.service", 60, true);
        let row = row(&host);
        assert_eq!(row.standing, Standing::Present);
        assert!(row.evidence[1].what.contains("killed for memory"), "{row:?}");
    }

    #[test]
    fn without_systemd_in_sight_it_is_unknown() {
        let row = row(&Host::passing_to(AT).blind(SourceId::Units));
        assert_eq!(row.standing, Standing::Unknown);
    }
}
