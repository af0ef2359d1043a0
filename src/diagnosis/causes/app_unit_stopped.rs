//! The unit behind an upstream is stopped and was not ended by a failure.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{SourceId, UnitActive, UnitLoad, UnitResult},
};

use super::{
    nobody_serves,
    rule::{Rule, about_unit, missed_units},
};

pub(super) const RULE: Rule = Rule { cause: "app-unit-stopped", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let stopped = missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter(|b| matches!(b.who.load, UnitLoad::Loaded | UnitLoad::Masked) && b.who.condition)
        .map(|backing| {
            let unit = &backing.who.name;
            let masked = backing.who.load == UnitLoad::Masked;
            let summary = match backing.who.inactive_enter {
                _ if masked => format!("{unit} is masked and not running: nothing can start it"),
                Some(at) => format!("{unit} is stopped since {at}; it ended without an error"),
                None => format!("{unit} is not running"),
            };
            // Whether it was stopped or never started, only the journal remembers.
            let forgotten = backing.who.exec_start.is_none() && backing.who.active_enter.is_none();
            let unsure = forgotten && scene.blind(SourceId::Journal);
            let sure = if unsure { Confidence::Likely } else { Confidence::Confirmed };
            about_unit(scene, backing, RULE.cause, sure, summary).check(if masked {
                format!("who masked it, and why? Then: systemctl unmask {unit}")
            } else {
                format!("was it stopped on purpose? journalctl -u {unit} -n 20")
            })
        });
    stopped.chain(nobody_serves::judge(scene, RULE.cause)).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, ago, name, unit},
        },
        observation::{ClaimKind, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn stopped() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(60)).refused(10, AT)
    }

    #[test]
    fn a_stopped_unit_behind_a_refused_connect_is_the_cause() {
        let found = stopped().root("app-unit-stopped");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.since, Some(ago(60)));
        assert!(found.explains.contains(&"sym-tcp-refused"));
    }

    #[test]
    fn it_is_found_without_a_single_request() {
        let quiet = Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(60));
        quiet.root("app-unit-stopped");
        assert_eq!(quiet.diagnose().status, Status::Failing);
    }

    #[test]
    fn a_unit_that_ended_with_an_error_was_not_stopped() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .refused(10, AT);
        host.spares("app-unit-stopped");
    }

    #[test]
    fn a_unit_whose_condition_was_not_met_was_not_stopped() {
        let skipped = unit("shop.service").claims(AT).stopped(60).with(|u| u.condition = false);
        Host::passing_to(AT).unit(skipped).refused(10, AT).spares("app-unit-stopped");
    }

    #[test]
    fn a_unit_that_a_script_only_mentions_needs_to_be_the_only_one() {
        let mention = |of: &str| unit(of).claims_by(AT, ClaimKind::Mention).stopped(60);
        let one = Host::passing_to(AT).unit(mention("shop.service")).refused(10, AT);
        assert_eq!(one.root("app-unit-stopped").confidence, Confidence::Confirmed);
        let two = one.unit(mention("blog.service"));
        assert_eq!(two.root("app-unit-stopped").confidence, Confidence::Likely);
    }

    #[test]
    fn what_systemd_said_before_it_went_out_of_sight_is_only_possible() {
        let found = stopped().blind(SourceId::Units).root("app-unit-stopped");
        assert_eq!(found.confidence, Confidence::Possible);
    }
}
