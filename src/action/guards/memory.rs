//! Whether the host has what a new memory limit would let a service take.

use crate::{
    host::meminfo::Meter,
    observation::{MemorySample, Owner},
    remedy::{Action, Check, Guard, UnitSetting},
};

use super::{Ground, unit};

const GUARD: Guard = Guard::Memory;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let (limit, used) = match action {
        Action::LimitUnit { unit: name, settings } => {
            let limit = settings.iter().find_map(|setting| match setting {
                UnitSetting::MemoryMax(bytes) => Some(*bytes),
                _ => None,
            });
            let Some(limit) = limit else { return Vec::new() };
            let facts = unit::facts(name, ground).await;
            (limit, facts.ok().and_then(|facts| facts.memory_current))
        }
        Action::LimitContainer { container, memory, .. } => {
            let track = ground.case.cgroups.get(&Owner::Container(container.clone()));
            (*memory, track.and_then(|track| track.now.value.memory))
        }
        _ => return Vec::new(),
    };
    let sample = Meter::new().ok().and_then(|mut meter| meter.memory());
    match sample {
        Some(sample) => vec![judge(limit, used.unwrap_or_default(), sample)],
        None => vec![Check::note(GUARD, "the memory of the host could not be read")],
    }
}

/// What a service may take beyond what it has now must be there: else the kernel kills somewhere
/// else on the host.
fn judge(limit: u64, used: u64, host: MemorySample) -> Check {
    let mib = |bytes: u64| bytes >> 20;
    let could = host.available.saturating_add(used);
    let (wanted, could_mib, total) = (mib(limit), mib(could), mib(host.total));
    if limit > host.total {
        let words = format!("{wanted} MiB are more than this host has ({total} MiB)");
        return Check::refused(GUARD, words);
    }
    if limit > could {
        return Check::refused(
            GUARD,
            format!(
                "{wanted} MiB are more than the host can give now ({could_mib} MiB): the kernel \
                 would kill something else instead; free memory first or choose less"
            ),
        );
    }
    Check::clear(GUARD, format!("{wanted} MiB of {could_mib} MiB that the host could give"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::Regard;

    #[test]
    fn a_limit_beyond_what_the_host_can_give_is_refused() {
        let host = MemorySample { total: 1_000, available: 300, swap_total: 0, swap_free: 0 };
        assert_eq!(judge(400, 100, host).regard, Regard::Clear);
        assert_eq!(judge(401, 100, host).regard, Regard::Refused);
        assert_eq!(judge(1_001, 900, host).regard, Regard::Refused);
    }
}
