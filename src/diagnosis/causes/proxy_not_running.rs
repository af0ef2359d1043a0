//! The gateway itself does not run.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, SourceId, Unit, UnitActive, UnitName},
};

use super::rule::{Rule, down_since, state_words};

pub(super) const RULE: Rule = Rule { cause: "proxy-not-running", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let another_runs = scene.gateways().any(|g| g.running);
    scene
        .gateways()
        .filter(|g| !g.running)
        .filter_map(|gateway| {
            let unit = unit_of(scene, gateway.unit.as_ref(), gateway.kind.as_str());
            // An installed gateway that nobody started is no fault while another one serves.
            let meant = unit.is_some_and(|u| {
                u.active == UnitActive::Failed || u.file_state.raw().starts_with("enabled")
            });
            if another_runs && !unit.is_some_and(|u| u.active == UnitActive::Failed) {
                return None;
            }
            let confidence = match (meant, scene.blind(SourceId::Units)) {
                (true, _) => Confidence::Confirmed,
                (false, true) => Confidence::Possible,
                (false, false) => Confidence::Likely,
            };
            let mut finding = Finding::new(
                RULE.cause,
                confidence,
                format!("{} is not running: clients get connection refused", gateway.kind.as_str()),
            )
            .with(
                "no master process runs with this configuration",
                Origin::Path(gateway.config.clone()),
                None,
            )
            .check("test the configuration first, then start it");
            finding.subject.gateway = Some(gateway.id.clone());
            if let Some(unit) = unit {
                finding.subject.unit = Some(unit.name.clone());
                finding = finding
                    .with(state_words(unit), Origin::Systemd(unit.name.clone()), down_since(unit))
                    .since(down_since(unit));
            }
            Some(finding)
        })
        .collect()
}

fn unit_of<'a>(scene: &Scene<'a>, named: Option<&UnitName>, kind: &str) -> Option<&'a Unit> {
    let by_kind = UnitName::new(format!("{kind}.service")).ok();
    named.or(by_kind.as_ref()).and_then(|name| scene.case.units.get(name))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, gateway_id, name, unit},
        },
        observation::{GatewayId, Seen, SourceId},
    };

    fn dead() -> Host {
        Host::passing_to("127.0.0.1:8000").gateway(|g| {
            g.running = false;
            g.master = None;
            g.workers.clear();
        })
    }

    #[test]
    fn a_gateway_that_should_run_and_does_not_is_told() {
        let host = dead().unit(unit("nginx.service").stopped(60));
        let found = host.root("proxy-not-running");
        assert_eq!(found.subject.gateway, Some(gateway_id()));
        assert_eq!(found.subject.unit, Some(name("nginx.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(host.diagnose().status, Status::Failing);
    }

    #[test]
    fn a_dead_backend_is_not_a_dead_gateway() {
        let at = "127.0.0.1:8000";
        Host::passing_to(at)
            .unit(unit("shop.service").claims(at).stopped(60))
            .refused(10, at)
            .spares("proxy-not-running");
    }

    #[test]
    fn an_installed_gateway_that_nobody_started_is_no_fault_while_another_serves() {
        let mut second = dead().gateway;
        second.id = GatewayId("nginx:/opt/nginx/nginx.conf".into());
        second.unit = None;
        Host::passing_to("127.0.0.1:8000")
            .serves("shop.service", "127.0.0.1:8000", 100)
            .sees(SourceId::Gateways, Seen::Gateway(second))
            .spares("proxy-not-running");
    }

    #[test]
    fn without_systemd_in_sight_it_is_only_possible() {
        let found = dead().blind(SourceId::Units).root("proxy-not-running");
        assert_eq!(found.confidence, Confidence::Possible);
    }
}
