//! Whether it comes back when the host boots.

use crate::{
    diagnosis::Scene,
    evidence::CaseFile,
    observation::{ManagedProgram, Manager, ManagerKind, ProgramState, Unit},
};

use super::{
    item::{Precaution, Row, Standing},
    kept::{Kept, nobody, typed},
};

pub(super) const ROW: Row = Row {
    id: "boot",
    title: "Started when the host boots",
    why: "After a reboot nobody has to remember it.",
    against: &[
        "unit-not-enabled",
        "pm2-not-resurrected",
        "boot-order",
        "container-no-restart-policy",
    ],
};

pub(super) fn judge(scene: &Scene<'_>, kept: &[Kept<'_>]) -> Vec<Precaution> {
    if kept.is_empty() {
        return vec![ROW.unseen("what stands behind the gateways", nobody(scene))];
    }
    kept.iter().map(|one| self::one(scene.case, one)).collect()
}

fn one(case: &CaseFile, kept: &Kept<'_>) -> Precaution {
    match kept {
        Kept::Unit(unit) => self::unit(case, unit, kept),
        Kept::Container(container) => {
            // An engine that starts brings back only what was to run for ever.
            let policy = container.restart_policy.raw();
            let starts = policy == "always" || policy.starts_with("unless-stopped");
            let said = if policy.is_empty() { "no" } else { policy };
            let standing = if starts { Standing::Present } else { Standing::Lacking };
            let row = ROW.of(kept.name(), standing).says(
                format!("its restart policy is {}", crate::observation::Clean::new(said)),
                kept.origin(),
            );
            if starts {
                return row;
            }
            let name = container.name.raw();
            row.add(
                "a shell",
                vec![typed(&["docker", "update", "--restart", "unless-stopped", name])],
            )
        }
        Kept::Program(manager, program) => self::program(case, (manager, program), kept),
    }
}

fn unit(case: &CaseFile, unit: &Unit, kept: &Kept<'_>) -> Precaution {
    let state = unit.file_state.raw();
    let enabled = |unit: &Unit| unit.file_state.raw().starts_with("enabled");
    let socket = unit.triggered_by.iter().find(|name| case.units.get(name).is_some_and(enabled));
    match (state, socket) {
        (_, Some(socket)) => ROW
            .of(kept.name(), Standing::Present)
            .says(format!("{socket} starts it, and is enabled"), kept.origin()),
        ("disabled" | "masked" | "masked-runtime" | "enabled-runtime", None) => {
            let mut row = ROW
                .of(kept.name(), Standing::Lacking)
                .says(format!("it is {}", unit.file_state), kept.origin());
            let mut commands = Vec::new();
            if state.starts_with("masked") {
                commands.push(typed(&["systemctl", "unmask", unit.name.as_str()]));
            }
            commands.push(typed(&["systemctl", "enable", unit.name.as_str()]));
            row = row.add("a shell", commands);
            row
        }
        ("enabled" | "static" | "alias" | "indirect" | "generated" | "linked", None) => {
            ROW.of(kept.name(), Standing::Present).says(format!("it is {state}"), kept.origin())
        }
        ("transient", None) => ROW
            .of(kept.name(), Standing::Lacking)
            .says("it was made by systemd-run and is gone after a boot", kept.origin())
            .add(
                format!("a unit file of its own, /etc/systemd/system/{}", unit.name),
                vec!["[Install]".to_owned(), "WantedBy=multi-user.target".to_owned()],
            )
            .then(typed(&["systemctl", "enable", unit.name.as_str()])),
        _ => ROW.unseen(kept.name(), "systemd did not tell whether it is enabled"),
    }
}

fn program(
    case: &CaseFile,
    (manager, program): (&Manager, &ManagedProgram),
    kept: &Kept<'_>,
) -> Precaution {
    let kind = manager.kind;
    if program.state == ProgramState::Absent {
        let row = ROW
            .of(kept.name(), Standing::Lacking)
            .says(format!("{kind} has it saved and has not loaded it"), kept.origin());
        return if kind == ManagerKind::Pm2 {
            row.add("a shell, as the user of PM2", vec!["pm2 resurrect".to_owned()])
                .then("pm2 startup && pm2 save")
        } else {
            row
        };
    }
    let unit = manager.unit.as_ref();
    let known = unit.and_then(|name| case.units.get(name));
    match (known, unit) {
        (Some(known), _) if known.file_state.raw().starts_with("enabled") => ROW
            .of(kept.name(), Standing::Present)
            .says(format!("{} starts {kind}, and is enabled", known.name), kept.origin()),
        (Some(known), _) => {
            let row = ROW.of(kept.name(), Standing::Lacking).says(
                format!("{}, which starts {kind}, is {}", known.name, known.file_state),
                kept.origin(),
            );
            row.add("a shell", vec![typed(&["systemctl", "enable", known.name.as_str()])])
        }
        _ if kind == ManagerKind::Pm2 => {
            ROW.unseen(kept.name(), "no unit that starts PM2 was seen").add(
                "a shell, as the user of PM2",
                vec!["pm2 startup".to_owned(), "pm2 save".to_owned()],
            )
        }
        _ => ROW.unseen(kept.name(), format!("what starts {kind} was not seen")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container, unit},
        remedy::prevention::testing,
    };

    const AT: &str = "127.0.0.1:8000";

    fn row(host: &Host) -> Precaution {
        testing::row(host, "boot")
    }

    #[test]
    fn a_disabled_unit_is_to_be_enabled() {
        let host = Host::passing_to(AT).unit(unit("shop.service").claims(AT).never_ran("disabled"));
        let row = row(&host);
        assert_eq!(row.standing, Standing::Lacking);
        assert_eq!(row.add.unwrap().lines, ["systemctl enable shop.service"]);
    }

    #[test]
    fn a_disabled_unit_whose_socket_is_enabled_comes_up_with_it() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).with(|u| {
                u.file_state = "disabled".into();
                u.triggered_by = vec![crate::observation::UnitName::new("shop.socket").unwrap()];
            }))
            .unit(unit("shop.socket"));
        assert_eq!(row(&host).standing, Standing::Present);
    }

    #[test]
    fn a_container_that_is_restarted_on_failure_does_not_come_back_after_a_boot() {
        let host = Host::passing_to(AT).container(
            container("shop").publishes(8000, 80).with(|c| c.restart_policy = "on-failure".into()),
        );
        assert_eq!(row(&host).standing, Standing::Lacking);
        let host = Host::passing_to(AT).container(
            container("shop").publishes(8000, 80).with(|c| c.restart_policy = "always".into()),
        );
        assert_eq!(row(&host).standing, Standing::Present);
    }

    #[test]
    fn a_unit_whose_state_is_not_told_is_unknown() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).with(|u| u.file_state = "".into()));
        assert_eq!(row(&host).standing, Standing::Unknown);
    }
}
