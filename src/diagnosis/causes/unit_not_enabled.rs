//! The unit behind an upstream was not started at boot, because it is not enabled.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, SourceId, Unit, UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const RULE: Rule = Rule { cause: "unit-not-enabled", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter(|b| b.who.file_state.raw() == "disabled" && b.who.triggered_by.is_empty())
        // A unit that ran since boot was started by somebody and stopped by somebody.
        .filter(|b| b.who.exec_start.is_none() && b.who.active_enter.is_none())
        // systemd forgets the runs of a disabled unit that was stopped; its journal does not.
        .filter(|b| !ran_since_boot(scene, b.who))
        .map(|backing| {
            let unit = &backing.who.name;
            let summary = format!("{unit} is not enabled and was not started since boot");
            let blind = scene.blind(SourceId::Journal);
            let sure = if blind { Confidence::Possible } else { Confidence::Confirmed };
            let mut finding = about_unit(scene, backing, RULE.cause, sure, summary);
            if blind {
                finding = finding
                    .unseen("whether it was started and stopped since boot", SourceId::Journal);
            }
            finding
                .with(
                    "UnitFileState=disabled, never active since boot",
                    Origin::Systemd(unit.clone()),
                    None,
                )
                .check(format!("systemctl enable --now {unit}, if it is meant to run"))
        })
        .collect()
}

/// Whether the journal has a line of the unit since systemd itself started.
fn ran_since_boot(scene: &Scene<'_>, unit: &Unit) -> bool {
    let boot = scene.case.processes.get(&1).and_then(|p| p.started).unwrap_or_default();
    let lines = scene.case.logs.tails.get(&Origin::Journal(unit.name.clone()));
    lines.is_some_and(|lines| lines.iter().any(|line| line.at >= boot))
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

    #[test]
    fn a_disabled_unit_that_never_ran_since_boot_is_why() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).never_ran("disabled"))
            .refused(10, AT);
        let found = host.root("unit-not-enabled");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"app-unit-stopped"));
    }

    #[test]
    fn a_disabled_unit_that_somebody_started_and_stopped_was_stopped() {
        let by_hand =
            unit("shop.service").claims(AT).stopped(60).with(|u| u.file_state = "disabled".into());
        let host = Host::passing_to(AT).unit(by_hand).refused(10, AT);
        host.spares("unit-not-enabled");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_unit_that_its_socket_starts_needs_not_be_enabled() {
        let by_socket = unit("shop.service")
            .claims(AT)
            .never_ran("disabled")
            .with(|u| u.triggered_by.push(name("shop.socket")));
        Host::passing_to(AT).unit(by_socket).refused(10, AT).spares("unit-not-enabled");
    }

    #[test]
    fn an_enabled_unit_that_does_not_run_is_merely_stopped() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).never_ran("enabled"))
            .refused(10, AT);
        host.spares("unit-not-enabled");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_unit_that_systemd_forgot_and_the_journal_saw_running_was_stopped() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).never_ran("disabled"))
            .systemd("shop.service", 60, "Deactivated successfully.")
            .refused(10, AT);
        host.spares("unit-not-enabled");
        assert!(host.root("app-unit-stopped").summary.contains("is stopped since"));
    }

    #[test]
    fn without_the_journal_nobody_knows_whether_it_ran() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).never_ran("disabled"))
            .blind(SourceId::Journal)
            .refused(10, AT);
        assert_eq!(host.root("app-unit-stopped").confidence, Confidence::Likely);
    }
}
