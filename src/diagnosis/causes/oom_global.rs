//! The host ran out of memory and the kernel chose a process of the unit.

use crate::{
    diagnosis::{Finding, Scene},
    observation::KillScope,
};

use super::{oom_rule, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "oom-global", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    oom_rule::judge(
        scene,
        RULE.cause,
        |scope| !matches!(scope, KillScope::Cgroup(_)),
        |unit, kill| {
            format!(
                "the host ran out of memory and the kernel killed {} of {} at {}",
                kill.name, unit.name, kill.at
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::SourceId,
    };

    const AT: &str = "127.0.0.1:8000";
    const GROUP: &str = "/system.slice/shop.service";

    fn dead() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).killed(9, 60)).refused(10, AT)
    }

    #[test]
    fn a_unit_chosen_by_the_kernel_when_the_host_ran_out_is_told() {
        let found = dead().kill(GROUP, 60, false).root("oom-global");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-tcp-refused"), "{:?}", found.explains);
    }

    #[test]
    fn a_kill_at_a_units_own_limit_is_not_the_hosts() {
        let host = dead().kill(GROUP, 60, true);
        host.spares("oom-global");
        host.root("oom-cgroup-unit");
    }

    #[test]
    fn an_old_kill_of_a_unit_that_serves_again_is_the_past() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .kill(GROUP, 90_000, false)
            .closed(10, AT)
            .spares("oom-global");
    }

    #[test]
    fn no_kill_is_made_up_for_a_kernel_log_out_of_sight() {
        dead().blind(SourceId::Kernel).spares("oom-global");
    }
}
