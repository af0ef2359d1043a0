//! The application cannot load: an import, a module, its entry point.

use crate::diagnosis::{Confidence, Finding, Scene};

use super::rule::{Rule, about_unit, last_words};

pub(super) const RULE: Rule = Rule { cause: "app-boot-failure", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .iter()
        .filter(|b| b.missing)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-boot-failure"]).next_back()?;
            let summary = format!("{} cannot load its application", unit.name);
            Some(
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(line)))
                    .with_some(last_words(scene, unit))
                    .check(format!("read the traceback: journalctl -u {} -n 40", unit.name)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, name, unit},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn an_application_that_cannot_be_loaded_is_why_its_unit_failed() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(3, 60))
            .said(
                "shop.service",
                61,
                "[2026-11-20 13:59:00 +0000] [22283] [INFO] Reason: Worker failed to boot.",
            )
            .refused(10, AT);
        let found = host.root("app-boot-failure");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"app-unit-failed-exit"));
    }

    #[test]
    fn a_boot_failure_of_last_week_is_not_why_the_unit_is_stopped_today() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(86_400).stopped(60))
            .said("shop.service", 600_000, "ModuleNotFoundError: No module named 'flask'")
            .refused(10, AT);
        host.spares("app-boot-failure");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_missing_module_of_another_unit_proves_nothing() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .said("cron-job.service", 61, "ModuleNotFoundError: No module named 'flask'")
            .refused(10, AT)
            .spares("app-boot-failure");
    }
}
