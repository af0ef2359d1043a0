//! A unit was not started because one of its conditions was not met: no error, only a note.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-unit-condition-skipped", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_since_start(unit, &[RULE.cause]).next_back();
            if unit.condition && line.is_none() {
                return None;
            }
            let told = line.and_then(|l| l.captures.get("cond")).map(ToString::to_string);
            let unmet: Vec<String> = if unit.unmet.is_empty() {
                told.into_iter().collect()
            } else {
                unit.unmet.iter().map(ToString::to_string).collect()
            };
            let summary = if unmet.is_empty() {
                format!("{} was skipped: a condition of it is not met", unit.name)
            } else {
                format!("{} was skipped: {} is not met", unit.name, unmet.join(" and "))
            };
            let mut finding =
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(line.map(Scene::quote))
                    .since(line.map(|l| l.at).or(scene.incident.first))
                    .check(match unmet.first() {
                        Some(one) => {
                            format!("is {one} true now? then systemctl start {}", unit.name)
                        }
                        None => format!("systemctl status {}: which condition?", unit.name),
                    });
            if !unit.condition {
                let origin = Origin::Systemd(unit.name.clone());
                finding = finding.with("ConditionResult=no", origin, None);
            }
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const AT: &str = "127.0.0.1:8000";
    const LINE: &str = "shop.service - The shop was skipped because of an unmet condition check (ConditionPathExists=/etc/shop/on).";

    #[test]
    fn a_skipped_unit_is_told_with_the_condition() {
        let skipped = unit("shop.service").claims(AT).never_ran("enabled").with(|u| {
            u.condition = false;
            u.unmet = vec!["ConditionPathExists=/etc/shop/on".into()];
        });
        let host = Host::passing_to(AT).unit(skipped).refused(10, AT);
        host.incident("app-unit-condition-skipped", Confidence::Confirmed, r"shop\.service");
        let found = host.root("app-unit-condition-skipped");
        assert!(found.summary.contains("ConditionPathExists=/etc/shop/on"));
        host.spares("app-unit-stopped");
    }

    #[test]
    fn the_journal_remembers_what_systemd_forgot() {
        let forgotten = unit("shop.service").claims(AT).never_ran("enabled");
        let line = crate::observation::Program::Systemd;
        let origin =
            crate::observation::Origin::Journal(crate::diagnosis::testing::name("shop.service"));
        let host =
            Host::passing_to(AT).unit(forgotten).line(line, origin, 400, LINE).refused(10, AT);
        assert!(host.root("app-unit-condition-skipped").summary.contains("/etc/shop/on"));
    }

    #[test]
    fn a_unit_that_ran_since_was_stopped_and_not_skipped() {
        let ran = unit("shop.service").claims(AT).up_since(300).stopped(60);
        let line = crate::observation::Program::Systemd;
        let origin =
            crate::observation::Origin::Journal(crate::diagnosis::testing::name("shop.service"));
        let host = Host::passing_to(AT).unit(ran).line(line, origin, 400, LINE).refused(10, AT);
        host.spares("app-unit-condition-skipped");
        host.root("app-unit-stopped");
    }
}
