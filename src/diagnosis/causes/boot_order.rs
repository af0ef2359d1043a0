//! After a boot the gateway was there before the application: requests failed until that had started.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::Origin,
};

use super::rule::{Rule, about_unit};

pub(super) const RULE: Rule = Rule { cause: "boot-order", judge };

/// What a gateway sees while nobody listens yet.
const ABSENT: [&str; 4] =
    ["sym-tcp-refused", "sym-unix-missing", "sym-unix-refused", "sym-connect-failed"];
/// A boot that is older is not why requests fail.
const BOOT_SECS: i64 = 600;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(booted) = scene.case.settings.as_ref().and_then(|s| s.booted) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for backing in scene.units() {
        let unit = backing.who;
        // The first start since the boot, by itself.
        let first = unit.is_up() && unit.restarts == 0;
        let Some(ready) = unit.active_enter.filter(|at| first && *at >= booted) else { continue };
        let chains: Vec<_> = backing.chains.iter().filter_map(|i| scene.chains.get(*i)).collect();
        // Active and ready are two things, as long as nobody listens.
        if chains.iter().any(|c| c.state == PeerState::Down) {
            continue;
        }
        let early =
            chains.iter().any(|c| c.gateway.started.is_some_and(|at| at >= booted && at < ready));
        let lines: Vec<_> = chains
            .iter()
            .flat_map(|c| scene.facts_on(c, &ABSENT))
            .filter(|f| f.at >= booted)
            .collect();
        let (Some(begin), Some(end)) =
            (lines.iter().map(|f| f.at).min(), lines.iter().max_by_key(|f| f.at))
        else {
            continue;
        };
        let soon = begin <= booted.plus_secs(BOOT_SECS);
        // Stopped and started by hand in between, it did not come late.
        let once = unit.inactive_enter.is_none_or(|at| at < booted);
        if !early || !soon || !once || end.at > ready.plus_secs(5) {
            continue;
        }
        let late = ready.since(booted).as_secs();
        let summary = format!(
            "after the boot at {booted} the gateway ran before {}, which was ready {late} s later",
            unit.name
        );
        let mut finding = about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
            .with("became active", Origin::Systemd(unit.name.clone()), Some(ready))
            .with_some(Some(Scene::quote(end)))
            .since(Some(begin))
            .check(format!("systemctl cat {}: what does it wait for (After=, Wants=)?", unit.name));
        finding.current = false;
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::testing::{Host, ago, unit};

    const AT: &str = "127.0.0.1:8000";

    /// Booted five minutes ago; the unit was ready so many seconds ago.
    fn host(ready: i64) -> Host {
        Host::passing_to(AT)
            .gateway(|g| {
                g.started = Some(ago(290));
                g.loaded = Some(ago(290));
            })
            .settings(|s| s.booted = Some(ago(300)))
            .unit(unit("shop.service").claims(AT).up_since(ready))
            .process_since(100, "app", "shop.service", ready)
            .listens(AT, 100)
    }

    #[test]
    fn failures_until_the_application_was_ready_come_from_the_order_of_the_boot() {
        let host = host(240).refused(280, AT).refused(250, AT);
        host.incident_recovered("boot-order", r"shop\.service");
        let recovered = host.diagnose().recovered;
        let found = recovered.iter().find(|f| f.cause == "boot-order").expect("it");
        assert!(found.summary.contains("60 s later"), "{}", found.summary);
    }

    #[test]
    fn failures_that_go_on_have_another_cause() {
        host(240).refused(280, AT).refused(20, AT).spares("boot-order");
    }

    #[test]
    fn an_old_boot_is_not_blamed_for_a_restart_of_today() {
        let host = host(240)
            .settings(|s| s.booted = Some(ago(90_000)))
            .gateway(|g| g.started = Some(ago(89_000)));
        host.refused(250, AT).spares("boot-order");
    }

    #[test]
    fn a_unit_that_was_stopped_and_started_by_hand_did_not_come_late() {
        let again = unit("shop.service")
            .claims(AT)
            .up_since(240)
            .with(|u| u.inactive_enter = Some(ago(260)));
        host(240).unit(again).refused(250, AT).spares("boot-order");
    }
}
