//! Which observations only confirm what is known.

use crate::observation::Seen;

use super::CaseFile;

/// Whether an observation says nothing new about what holds: a calm host sends dozens of these
/// every second, and none of them is worth an early diagnosis.
pub fn is_routine(case: &CaseFile, seen: &Seen) -> bool {
    match seen {
        Seen::Swept { .. } | Seen::Memory(_) | Seen::Cpu(_) | Seen::Pressure(_) => true,
        Seen::Probe(new) => {
            let key = (new.gateway.clone(), new.target.clone(), new.tried.clone());
            case.probes
                .get(&key)
                .is_some_and(|old| (&old.value.outcome, &old.value.tls) == (&new.outcome, &new.tls))
        }
        Seen::Resolution(new) => {
            let key = (new.host.clone(), new.server);
            case.resolutions.get(&key).is_some_and(|old| old.value == *new)
        }
        Seen::Cgroup(new) => {
            let old = case.cgroups.get(&new.owner).map(|track| &track.now.value);
            old.is_some_and(|old| {
                (old.oom_kills, old.memory_max, old.pids_max)
                    == (new.oom_kills, new.memory_max, new.pids_max)
            })
        }
        Seen::Limits(new) => case.limits.get(&new.pid) == Some(new),
        Seen::Disk(new) => case.disks.contains_key(&new.mount),
        Seen::Unit(new) => case.units.get(&new.name) == Some(new),
        Seen::Container(new) => case.containers.get(&new.id) == Some(new),
        Seen::Changes(new) => case.changes == *new,
        Seen::Access(entry) => entry.status < 500,
        Seen::Traffic(traffic) => traffic.by_status.keys().all(|status| *status < 500),
        Seen::Blind(new) => case.blind.get(&(new.source, new.what.clone())) == Some(new),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{Signatures, admit},
        observation::{
            Address, GatewayId, Moment, Observation, Probe, ProbeOutcome, SourceId, Text,
        },
    };

    fn probe(outcome: ProbeOutcome, micros: u64) -> Seen {
        let address = Address::Unix(Text::new("/run/app.sock"));
        Seen::Probe(Probe {
            gateway: GatewayId(Text::new("nginx")),
            target: address.clone(),
            tried: address,
            same_namespace: true,
            outcome,
            micros,
            tls: None,
            tls_facts: None,
        })
    }

    #[test]
    fn a_probe_that_ends_as_the_last_one_did_is_routine_and_one_that_does_not_is_news() {
        let mut case = CaseFile::new();
        let first = probe(ProbeOutcome::Connected, 80);
        assert!(!is_routine(&case, &first));
        let seen = Observation { at: Moment::default(), source: SourceId::Probes, seen: first };
        admit(&mut case, &seen, Signatures::embedded());
        assert!(is_routine(&case, &probe(ProbeOutcome::Connected, 95)));
        assert!(!is_routine(&case, &probe(ProbeOutcome::Refused, 80)));
    }
}
