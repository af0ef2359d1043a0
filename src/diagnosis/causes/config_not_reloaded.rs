//! The configuration on disk is newer than the one that the gateway uses.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Address, Gateway, GatewayKind, Loaded, Origin},
};

use super::{behind, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "config-not-reloaded", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene.gateways().filter_map(|gateway| of_gateway(scene, gateway)).collect()
}

fn of_gateway(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    let config = scene.case.configs.get(&gateway.id).filter(|_| gateway.running)?;
    let (loaded, modified) = (gateway.loaded?, config.modified?);
    // A configuration that could not be read whole may name the address all the same.
    let doubtful = config.upstreams.iter().any(|u| u.address.is_none());
    // A gateway that tells what it works with settles it.
    let only_loaded = match &config.loaded {
        Some(Loaded::AsWritten) => return None,
        Some(Loaded::Otherwise(only)) => Some(only),
        None => None,
    };
    if !gateway.missed(modified) {
        return None;
    }
    let old: Vec<&LogFact> = scene
        .case
        .logs
        .since(scene.incident.window)
        .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id))
        // Stamps are cut to whole seconds.
        .filter(|fact| fact.at.plus_secs(1) > modified)
        .filter(|fact| {
            let gone = |a: &Address| behind::is_of_no_chain(scene, gateway, a);
            let old = |a: &Address| only_loaded.is_none_or(|only| only.contains(a)) && gone(a);
            fact.address.as_ref().is_some_and(|a| a.port() != Some(0) && old(a))
        })
        .collect();
    let (first, last) = (old.first()?, old.last()?);
    let address = last.address.clone()?;
    // A name of the same port may have led there when it was last looked up.
    let by_name = config.upstreams.iter().any(
        |u| matches!(&u.address, Some(Address::Name { port, .. }) if Some(*port) == address.port()),
    );
    let told = only_loaded.is_some();
    let sure = if !told && (by_name || doubtful || last.at <= modified) {
        Confidence::Likely
    } else {
        Confidence::Confirmed
    };
    let summary = format!(
        "{} still asks {address}, which its configuration no longer names: the change was never \
         loaded",
        gateway.kind.as_str()
    );
    let mut finding = Finding::new(RULE.cause, sure, summary)
        .with_some(Some(Scene::quote(last)))
        .with(
            format!("changed at {modified}, and the workers run since {loaded}"),
            Origin::Path(config.files.first().cloned().unwrap_or_else(|| gateway.config.clone())),
            Some(modified),
        )
        .since(Some(first.at))
        .check(match gateway.kind {
            GatewayKind::Caddy => {
                "test the configuration, then reload: caddy validate with its file, caddy reload"
            }
            _ => "test the configuration, then reload: nginx -t && systemctl reload nginx",
        });
    if told {
        let what = format!("{} itself says that it works with {address}", gateway.kind.as_str());
        let place = config.controls.first().map(|control| control.place.clone());
        finding = finding.with(what, Origin::Config(place.unwrap_or_default()), None);
    }
    finding.subject.gateway = Some(gateway.id.clone());
    finding.subject.unit.clone_from(&gateway.unit);
    finding.subject.address = Some(address);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, ago};

    const NEW: &str = "127.0.0.1:8001";
    const OLD: &str = "127.0.0.1:8000";

    fn changed(secs: i64) -> Host {
        Host::passing_to(NEW)
            .serves("shop.service", NEW, 100)
            .config(|c| c.modified = Some(ago(secs)))
            .refused(10, OLD)
    }

    #[test]
    fn a_refusal_by_an_address_that_is_no_longer_written_anywhere_proves_it() {
        changed(100).incident("config-not-reloaded", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn lines_from_before_the_change_are_the_reason_for_it() {
        changed(5).spares("config-not-reloaded");
    }

    #[test]
    fn a_line_of_the_same_second_makes_it_likely() {
        let within = |c: &mut crate::observation::GatewayConfig| {
            c.modified = Some(crate::observation::Wall(ago(10).0 + 400_000));
        };
        let host = changed(100).config(within);
        assert_eq!(host.root("config-not-reloaded").confidence, Confidence::Likely);
        let later = host.refused(5, OLD).root("config-not-reloaded");
        assert_eq!(later.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_gateway_that_loaded_the_change_asks_for_another_reason() {
        let host = changed(100).gateway(|g| g.loaded = Some(ago(90)));
        host.spares("config-not-reloaded");
    }

    #[test]
    fn a_reload_in_the_same_tick_of_the_kernel_is_no_missed_one() {
        let host = changed(100).config(|c| c.modified = Some(crate::observation::Wall(ago(10).0)));
        let host = host.gateway(|g| g.loaded = Some(crate::observation::Wall(ago(10).0 - 9_999)));
        host.spares("config-not-reloaded");
    }

    #[test]
    fn a_gateway_that_says_what_it_works_with_settles_it() {
        let says = |loaded| changed(100).config(|c| c.loaded = Some(loaded));
        says(Loaded::AsWritten).spares("config-not-reloaded");
        let old = crate::diagnosis::testing::address(OLD);
        let found = says(Loaded::Otherwise(vec![old])).root("config-not-reloaded");
        assert_eq!(found.confidence, Confidence::Confirmed);
        says(Loaded::Otherwise(Vec::new())).spares("config-not-reloaded");
    }

    #[test]
    fn a_name_may_have_led_there() {
        let host = Host::passing_to("app.lan:8000")
            .config(|c| c.modified = Some(ago(100)))
            .refused(10, "10.1.2.3:8000");
        let found = host.diagnose().findings;
        assert!(
            found.iter().all(|f| f.cause != RULE.cause || f.confidence < Confidence::Confirmed)
        );
    }
}
