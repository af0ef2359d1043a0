//! Whether what dies is started again.

use crate::{
    diagnosis::Scene,
    observation::{ManagerKind, Unit},
    remedy::UnitSetting,
};

use super::{
    item::{Precaution, Row, Standing},
    kept::{Kept, nobody, typed},
};

pub(super) const ROW: Row = Row {
    id: "restart",
    title: "Started again when it dies",
    why: "A crash then costs seconds instead of lasting until somebody looks.",
    against: &[
        "app-killed-not-restarted",
        "app-unit-failed-exit",
        "app-crash-signal",
        "app-uncaught-exception",
        "app-start-limit-hit",
        "app-unit-watchdog",
        "app-runtime-max",
        "oom-cgroup-unit",
        "oom-global",
        "oom-systemd-oomd",
        "node-heap-oom",
        "container-exited",
        "container-no-restart-policy",
        "container-restart-exhausted",
        "container-oomkilled",
        "pm2-errored",
        "supervisor-fatal",
    ],
};

pub(super) fn judge(scene: &Scene<'_>, kept: &[Kept<'_>]) -> Vec<Precaution> {
    if kept.is_empty() {
        return vec![ROW.unseen("what stands behind the gateways", nobody(scene))];
    }
    kept.iter().filter_map(one).collect()
}

fn one(kept: &Kept<'_>) -> Option<Precaution> {
    match kept {
        Kept::Unit(unit) => self::unit(unit, kept),
        Kept::Container(container) => {
            let policy = container.restart_policy.to_string();
            let said = if policy.is_empty() { "no".to_owned() } else { policy };
            let standing = if said == "no" { Standing::Lacking } else { Standing::Present };
            let row = ROW
                .of(kept.name(), standing)
                .says(format!("its restart policy is {said}"), kept.origin());
            if standing == Standing::Present {
                return Some(row);
            }
            let name = container.name.raw();
            Some(match &container.compose {
                Some((_, service)) => row
                    .add(
                        format!("service {service} of the Compose file"),
                        vec!["restart: unless-stopped".to_owned()],
                    )
                    .then(typed(&["docker", "update", "--restart", "unless-stopped", name])),
                None => row.add(
                    "a shell",
                    vec![typed(&["docker", "update", "--restart", "unless-stopped", name])],
                ),
            })
        }
        Kept::Program(manager, program) => Some(match (program.autorestart, manager.kind) {
            (Some(true), _) => ROW
                .of(kept.name(), Standing::Present)
                .says(format!("{} starts it again", manager.kind), kept.origin()),
            (None, _) => ROW.unseen(kept.name(), format!("{} does not tell", manager.kind)),
            (Some(false), kind) => {
                let row = ROW
                    .of(kept.name(), Standing::Lacking)
                    .says(format!("{kind} does not start it again when it ends"), kept.origin());
                match kind {
                    ManagerKind::Supervisor => row
                        .add(
                            "the [program:…] section of Supervisor's configuration",
                            vec!["autorestart=true".to_owned()],
                        )
                        .then("supervisorctl update"),
                    ManagerKind::Pm2 => row
                        .add(
                            "its entry in the ecosystem file",
                            vec!["autorestart: true,".to_owned()],
                        )
                        .then("pm2 reload ecosystem.config.js && pm2 save"),
                    ManagerKind::Runit => {
                        row.add("its service folder", vec![format!("rm {}/down", program.folder)])
                    }
                    ManagerKind::Openrc => row.add(
                        "its init script (supervise-daemon starts again what dies)",
                        vec!["supervisor=supervise-daemon".to_owned()],
                    ),
                }
            }
        }),
    }
}

fn unit(unit: &Unit, kept: &Kept<'_>) -> Option<Precaution> {
    if unit.kind.raw() == "oneshot" {
        return None;
    }
    let policy = unit.restart_policy.raw();
    let origin = kept.origin();
    let lines = vec![
        "[Service]".to_owned(),
        UnitSetting::RestartOnFailure.line(),
        UnitSetting::RestartSec(5).line(),
    ];
    let edit = typed(&["systemctl", "edit", unit.name.as_str()]);
    let mind = "It does not cover an end with exit code 0, and with a broken configuration it only \
                loops into the start limit.";
    Some(match policy {
        "" => ROW.unseen(kept.name(), "systemd did not tell its Restart="),
        "no" => ROW
            .of(kept.name(), Standing::Lacking)
            .says("Restart=no", origin)
            .add(edit, lines)
            .mind(mind),
        "on-success" => ROW
            .of(kept.name(), Standing::Lacking)
            .says("Restart=on-success starts it again only when it ended well", origin)
            .add(edit, lines)
            .mind(mind),
        other => {
            let limit = unit.start_limit_interval_us / 1_000_000;
            let row = ROW
                .of(kept.name(), Standing::Present)
                .says(format!("Restart={other}"), origin.clone());
            if unit.start_limit_burst == 0 || limit == 0 {
                return Some(row);
            }
            row.says(
                format!("systemd gives up after {} starts in {limit} s", unit.start_limit_burst),
                origin,
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container, unit},
        observation::SourceId,
        remedy::prevention::testing,
    };

    const AT: &str = "127.0.0.1:8000";

    fn row(host: &Host) -> Precaution {
        testing::row(host, "restart")
    }

    #[test]
    fn a_killed_unit_without_restart_is_told_what_to_add_and_that_it_mattered() {
        let host =
            Host::passing_to(AT).unit(unit("shop.service").claims(AT).killed(9, 60)).refused(5, AT);
        let row = row(&host);
        assert_eq!((row.standing, row.whom.as_str()), (Standing::Lacking, "shop.service"));
        let add = row.add.unwrap();
        assert_eq!(add.place, "systemctl edit shop.service");
        assert_eq!(add.lines, ["[Service]", "Restart=on-failure", "RestartSec=5s"]);
        assert!(row.this_time);
    }

    #[test]
    fn a_unit_that_is_started_again_lacks_nothing() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).with(|u| u.restart_policy = "on-failure".into()));
        let row = row(&host);
        assert_eq!((row.standing, row.add), (Standing::Present, None));
        assert!(row.evidence[0].what.contains("Restart=on-failure"));
    }

    #[test]
    fn a_container_without_a_policy_gets_the_command() {
        let host =
            Host::passing_to(AT).container(container("shop").publishes(8000, 80).exited(1, 60));
        let add = row(&host).add.unwrap();
        assert_eq!(add.lines, ["docker update --restart unless-stopped shop"]);
    }

    #[test]
    fn where_systemd_is_out_of_sight_nothing_is_called_lacking() {
        let host = Host::passing_to(AT).blind(SourceId::Units);
        let row = row(&host);
        assert_eq!(row.standing, Standing::Unknown);
        assert!(row.evidence[0].what.contains("out of sight"), "{row:?}");
    }
}
