//! The gateway itself does not run.

use std::collections::BTreeSet;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Chain, Listening, Peer},
    observation::{Gateway, GatewayConfig, Origin, SourceId, Unit, UnitActive, UnitName},
};

use super::rule::{Rule, down_since, state_words};

pub(super) const RULE: Rule = Rule { cause: "proxy-not-running", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let another_runs = scene.gateways().any(|g| g.running);
    scene
        .gateways()
        .filter(|g| !g.running)
        .filter_map(|gateway| {
            let unit = unit_of(scene, gateway);
            // An installed gateway that nobody started is no fault while another one serves.
            let meant = unit.is_some_and(|u| {
                u.active == UnitActive::Failed || u.file_state.raw().starts_with("enabled")
            });
            if another_runs && !(meant && is_missed(scene, gateway, unit)) {
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
            finding.subject = scene.subject(&awaited(scene, gateway));
            finding = finding.with_some(scene.symptom(&awaited(scene, gateway)));
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

/// Whether a gateway that does not run beside one that does is missed: it ran since the boot or is
/// made to pass requests on, and nobody else serves the ports that it is to listen on. So neither a
/// package that was installed and never used is told, nor one that another gateway replaced.
fn is_missed(scene: &Scene<'_>, gateway: &Gateway, unit: Option<&Unit>) -> bool {
    let Some(config) = scene.case.configs.get(&gateway.id) else { return false };
    let used = config.upstreams.iter().any(|upstream| !upstream.routes.is_empty());
    let ran = unit.is_some_and(|u| u.active_enter.is_some());
    let ports = ports_of(config);
    let taken = |port: &u16| {
        scene
            .case
            .listeners
            .values()
            .flat_map(|table| &table.value.listeners)
            .any(|listener| listener.stream && listener.address.port() == Some(*port))
    };
    if !awaited(scene, gateway).is_empty() {
        return true;
    }
    used && (ran || ports.iter().any(|port| !taken(port)))
        && (ports.is_empty() || !ports.iter().all(taken))
}

/// The ports that a gateway is to listen on.
fn ports_of(config: &GatewayConfig) -> BTreeSet<u16> {
    config
        .sites
        .iter()
        .flat_map(|site| &site.listens)
        .filter_map(|listen| port_of(listen.raw()))
        .collect()
}

/// Whether nothing listens at an address of this host where this gateway should: another one
/// passes to it.
pub(super) fn is_awaited(scene: &Scene<'_>, gateway: &Gateway, peer: &Peer<'_>) -> bool {
    let ports = || scene.case.configs.get(&gateway.id).map(ports_of).unwrap_or_default();
    !gateway.running
        && gateway.container.is_none()
        && peer.local
        && peer.listening == Listening::No
        && peer.address.port().is_some_and(|port| ports().contains(&port))
}

/// The chains of running gateways that end where this one should listen.
fn awaited(scene: &Scene<'_>, gateway: &Gateway) -> Vec<usize> {
    let of_another = |chain: &Chain<'_>| chain.gateway.id != gateway.id && chain.gateway.running;
    let mut all: Vec<usize> = scene
        .down()
        .filter(|(chain, peer)| of_another(chain) && is_awaited(scene, gateway, peer))
        .map(|(chain, _)| chain.index)
        .collect();
    all.dedup();
    all
}

/// The port of what stands behind `listen`: `443 ssl`, `[::]:80`, `*:8080`, `80`.
fn port_of(listen: &str) -> Option<u16> {
    let first = listen.split_whitespace().next()?;
    first.rsplit(':').next()?.parse().ok()
}

fn unit_of<'a>(scene: &Scene<'a>, gateway: &Gateway) -> Option<&'a Unit> {
    let units = &scene.case.units;
    let of_kind = || {
        let mut names = gateway.kind.units().iter().filter_map(|name| UnitName::new(*name).ok());
        names.find_map(|name| units.get(&name))
    };
    gateway.unit.as_ref().map_or_else(of_kind, |name| units.get(name))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, gateway_id, name, unit},
        },
        observation::{GatewayId, GatewayKind, Place, Seen, Site, SourceId, UnitActive},
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

    /// An Apache that does not run beside the nginx that does.
    fn beside(
        upstream: bool,
        listen: &str,
        state: impl FnOnce(&mut crate::observation::Unit),
    ) -> Host {
        let host = Host::passing_to("127.0.0.1:8000").serves("shop.service", "127.0.0.1:8000", 100);
        let mut second = dead().gateway;
        second.id = GatewayId("apache:/etc/apache2/apache2.conf".into());
        second.kind = GatewayKind::Apache;
        second.unit = None;
        let mut config = host.config.clone();
        config.gateway = second.id.clone();
        config.sites =
            vec![Site { place: Place::default(), listens: vec![listen.into()], names: Vec::new() }];
        if !upstream {
            config.upstreams.clear();
        }
        host.unit(unit("apache2.service").exited(1, 60).with(state))
            .sees(SourceId::Gateways, Seen::Gateway(second))
            .sees(SourceId::Gateways, Seen::Config(Box::new(config)))
    }

    #[test]
    fn a_second_gateway_that_failed_is_told_when_its_port_is_silent() {
        let found = beside(true, "*:8443", |_| {}).root("proxy-not-running");
        assert_eq!(found.subject.unit, Some(name("apache2.service")));
    }

    #[test]
    fn a_gateway_behind_another_one_is_missed_where_it_should_listen() {
        let behind = |listen: &str| {
            let host = Host::passing_to("127.0.0.1:8080");
            let mut second = dead().gateway;
            second.id = GatewayId("apache:/etc/apache2/apache2.conf".into());
            second.kind = GatewayKind::Apache;
            second.unit = None;
            let mut config = host.config.clone();
            config.gateway = second.id.clone();
            config.upstreams.clear();
            config.sites = vec![Site {
                place: Place::default(),
                listens: vec![listen.into()],
                names: Vec::new(),
            }];
            host.unit(unit("apache2.service").stopped(60).with(|u| u.file_state = "enabled".into()))
                .refused(10, "127.0.0.1:8080")
                .sees(SourceId::Gateways, Seen::Gateway(second))
                .sees(SourceId::Gateways, Seen::Config(Box::new(config)))
        };
        let found = behind("127.0.0.1:8080").root("proxy-not-running");
        assert_eq!(found.subject.unit, Some(name("apache2.service")));
        behind("127.0.0.1:8081").spares("proxy-not-running");
    }

    #[test]
    fn a_package_that_only_wants_the_same_port_makes_no_noise() {
        // Installed beside nginx: it failed to start because the port is taken.
        beside(true, "80", |_| {}).spares("proxy-not-running");
        beside(false, "*:8443", |_| {}).spares("proxy-not-running");
        let idle = |u: &mut crate::observation::Unit| {
            u.active = UnitActive::Inactive;
            u.file_state = "disabled".into();
        };
        beside(true, "*:8443", idle).spares("proxy-not-running");
    }
}
