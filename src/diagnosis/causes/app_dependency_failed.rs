//! A unit was not started because one that it needs failed.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, SourceId, Unit, UnitActive, UnitLoad, UnitResult},
};

use super::rule::{Rule, about_unit, missed_units, state_words};

pub(super) const RULE: Rule = Rule { cause: "app-dependency-failed", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_since_start(unit, &[RULE.cause]).next_back();
            let needed: Vec<&Unit> =
                unit.needs.iter().filter_map(|name| scene.case.units.get(name)).collect();
            let broken = needed.iter().find(|needed| is_broken(needed));
            let sure = match (line, broken) {
                (Some(_), _) => Confidence::Confirmed,
                // Without a line it may have been stopped first, and its need failed later.
                (None, Some(_)) if unit.exec_start.is_none() => Confidence::Likely,
                _ => return None,
            };
            let summary = match broken {
                Some(broken) => format!(
                    "{} was not started because {}, which it needs, failed",
                    unit.name, broken.name
                ),
                None => {
                    format!("{} was not started because a unit that it needs failed", unit.name)
                }
            };
            let mut finding = about_unit(scene, backing, RULE.cause, sure, summary)
                .with_some(line.map(Scene::quote))
                .since(line.map(|l| l.at).or(scene.incident.first));
            if let Some(broken) = broken {
                let origin = Origin::Systemd(broken.name.clone());
                finding = finding
                    .with(state_words(broken), origin, broken.inactive_enter)
                    .check(format!("journalctl -u {} -n 30, then start both", broken.name));
            } else {
                finding = finding.check(format!(
                    "systemctl list-dependencies {}: which one is failed now?",
                    unit.name
                ));
                if needed.len() < unit.needs.len() {
                    finding =
                        finding.unseen("the state of every unit that it needs", SourceId::Units);
                }
            }
            Some(finding)
        })
        .collect()
}

fn is_broken(unit: &Unit) -> bool {
    unit.active == UnitActive::Failed
        || matches!(unit.load, UnitLoad::NotFound | UnitLoad::Masked | UnitLoad::Bad)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, UnitSeen, name, unit},
        },
        observation::UnitLoad,
    };

    const AT: &str = "127.0.0.1:8000";

    fn shop() -> UnitSeen {
        unit("shop.service")
            .claims(AT)
            .never_ran("enabled")
            .with(|u| u.needs = vec![name("db.service"), name("srv-data.mount")])
    }

    fn host() -> Host {
        Host::passing_to(AT).refused(10, AT)
    }

    const LINE: &str = "Job shop.service/start failed with result 'dependency'.";

    #[test]
    fn the_unit_that_is_needed_and_failed_is_named() {
        let host = host().unit(shop()).unit(unit("db.service").exited(1, 300)).systemd(
            "shop.service",
            290,
            LINE,
        );
        host.incident("app-dependency-failed", Confidence::Confirmed, r"shop\.service");
        let found = host.root("app-dependency-failed");
        assert!(found.summary.contains("db.service, which it needs"), "{}", found.summary);
        assert!(found.explains.contains(&"app-unit-stopped"));
    }

    #[test]
    fn systemds_word_is_enough_where_the_need_is_out_of_sight() {
        let found = host().unit(shop()).systemd("shop.service", 290, LINE);
        assert_eq!(found.root("app-dependency-failed").confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_need_without_a_file_is_broken_as_well() {
        let gone = unit("srv-data.mount").never_ran("").with(|u| u.load = UnitLoad::NotFound);
        let found = host().unit(shop()).unit(gone).root("app-dependency-failed");
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.summary.contains("srv-data.mount"));
    }

    #[test]
    fn a_unit_that_ran_and_was_stopped_does_not_wait_for_its_need() {
        let stopped = shop().up_since(600).stopped(60);
        let host = host().unit(stopped).unit(unit("db.service").exited(1, 300));
        host.clone().root("app-unit-stopped");
        host.systemd("shop.service", 5_000, LINE).spares("app-dependency-failed");
    }

    #[test]
    fn a_unit_that_failed_itself_is_not_excused_by_its_need() {
        let failed = shop().with(|u| u.exec_start = None).exited(1, 60);
        host().unit(failed).unit(unit("db.service").exited(1, 300)).spares("app-dependency-failed");
    }
}
