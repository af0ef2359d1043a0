//! The gateway still sends requests to an address that the upstream's name does not lead to any more:
//! nginx looks a name without a variable up once, when it reads its configuration.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{LogFact, topology::Chain},
    observation::{Address, GatewayKind, Origin, ResolutionOutcome, Text},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const STALE: Rule = Rule { cause: "dns-stale-ip", judge: stale };
pub(super) const SHADOW: Rule = Rule { cause: "dns-implicit-upstream-shadow", judge: shadow };

fn stale(scene: &Scene<'_>) -> Vec<Finding> {
    judge(scene, STALE.cause, |chain| chain.upstream.fixed_by.is_none())
}

fn shadow(scene: &Scene<'_>) -> Vec<Finding> {
    judge(scene, SHADOW.cause, |chain| chain.upstream.fixed_by.is_some())
}

fn judge(scene: &Scene<'_>, cause: &'static str, is: impl Fn(&Chain<'_>) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| is_fixed(c) && is(c)) {
        let Some(Address::Name { host, port }) = &chain.upstream.address else { continue };
        let now = answers(scene, host);
        if now.is_empty() {
            continue;
        }
        let lines: Vec<&LogFact> = strangers(scene, chain, *port).collect();
        let Some(last) = lines.last() else { continue };
        let Some(Address::Tcp(old)) = &last.address else { continue };
        // Another name with the same port may have led there.
        let rivals = scene.chains.iter().filter(|c| {
            c.gateway.id == chain.gateway.id
                && is_fixed(c)
                && c.upstream.address.as_ref().and_then(Address::port) == Some(*port)
        });
        let sure = match rivals.count() {
            0 | 1 => Confidence::Confirmed,
            _ if serves_it(chain, last) => Confidence::Likely,
            _ => continue,
        };
        let ips: Vec<String> = now.iter().map(ToString::to_string).collect();
        let ips = ips.join(", ");
        let name = chain.gateway.kind.as_str();
        let summary =
            format!("{name} still sends requests for {host} to {}; it is {ips} now", old.ip());
        let mut finding = Finding::new(cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .with(format!("{host} leads to {ips}"), Origin::Resolver, None)
            .with(
                "the name is looked up once, at the start",
                Origin::Config(chain.upstream.place.clone()),
                None,
            )
            .since(lines.first().map(|line| line.at))
            .check(format!("getent hosts {host}, against the upstream address in the error log"));
        if let Some(place) = &chain.upstream.fixed_by {
            let what = "the same host stands here without a variable, and nginx then keeps that address everywhere";
            finding = finding.with(what, Origin::Config(place.clone()), None);
        }
        finding.subject.name = Some(host.clone());
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// Whether the gateway keeps the address that it found when it read its configuration.
fn is_fixed(chain: &Chain<'_>) -> bool {
    let upstream = chain.upstream;
    chain.gateway.kind == GatewayKind::Nginx
        && !upstream.per_request
        && !upstream.params.resolve
        && matches!(upstream.address, Some(Address::Name { .. }))
}

/// Addresses that a name leads to by every answer there is.
fn answers(scene: &Scene<'_>, host: &Text) -> BTreeSet<IpAddr> {
    let lookups = scene.case.resolutions.iter().filter(|((name, _), _)| name == host);
    lookups
        .filter_map(|(_, dated)| match &dated.value.outcome {
            ResolutionOutcome::Found(ips) => Some(ips),
            _ => None,
        })
        .flatten()
        .map(IpAddr::to_canonical)
        .collect()
}

/// Lines of the gateway about an address with that port that belongs to no upstream as it is now.
fn strangers<'s>(
    scene: &'s Scene<'_>,
    chain: &'s Chain<'_>,
    port: u16,
) -> impl Iterator<Item = &'s LogFact> {
    let from = scene.incident.window.max(chain.gateway.loaded.unwrap_or(scene.incident.window));
    scene.case.logs.since(from).filter(move |fact| {
        let Some(Address::Tcp(at)) = &fact.address else { return false };
        fact.gateway.as_ref() == Some(&chain.gateway.id)
            && at.port() == port
            && fact
                .address
                .as_ref()
                .is_some_and(|address| scene.chains_at(address).next().is_none())
    })
}

/// Whether a line speaks of a virtual host that leads to the upstream.
fn serves_it(chain: &Chain<'_>, line: &LogFact) -> bool {
    let server = line.server.as_ref();
    server.is_some_and(|s| chain.upstream.routes.iter().any(|r| r.server_names.contains(s)))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago},
        },
        observation::{Place, ResolutionOutcome},
    };

    const NAME: &str = "shop.internal:8000";
    const OLD: &str = "10.7.0.3:8000";

    fn host() -> Host {
        let now = ResolutionOutcome::Found(vec![[10, 7, 0, 9].into()]);
        Host::passing_to(NAME).resolves("shop.internal", None, now)
    }

    #[test]
    fn requests_to_an_address_that_the_name_left_are_told_with_both() {
        let host = host().refused(10, OLD);
        host.incident("dns-stale-ip", Confidence::Confirmed, "shop.internal");
        let found = host.root("dns-stale-ip");
        assert!(found.summary.contains("to 10.7.0.3; it is 10.7.0.9 now"), "{}", found.summary);
    }

    #[test]
    fn an_application_that_is_down_at_its_present_address_is_not_stale() {
        host().refused(10, "10.7.0.9:8000").spares("dns-stale-ip");
    }

    #[test]
    fn a_reload_since_the_line_cured_it() {
        host().gateway(|g| g.loaded = Some(ago(5))).refused(10, OLD).spares("dns-stale-ip");
    }

    #[test]
    fn an_address_of_another_port_is_of_another_upstream() {
        host().refused(10, "10.7.0.3:9999").spares("dns-stale-ip");
    }

    #[test]
    fn a_name_that_is_looked_up_at_each_request_is_never_stale() {
        let now = ResolutionOutcome::Found(vec![[10, 7, 0, 9].into()]);
        Host::new()
            .upstream_with(NAME, |u| u.params.resolve = true)
            .resolves("shop.internal", None, now)
            .refused(10, OLD)
            .spares("dns-stale-ip");
    }

    #[test]
    fn a_name_without_a_variable_elsewhere_shadows_the_variable() {
        let now = ResolutionOutcome::Found(vec![[10, 7, 0, 9].into()]);
        let place = Place { file: "/etc/nginx/conf.d/admin.conf".into(), line: 7 };
        let host = Host::new()
            .upstream_with(NAME, |u| u.fixed_by = Some(place))
            .resolves("shop.internal", None, now)
            .refused(10, OLD);
        host.incident("dns-implicit-upstream-shadow", Confidence::Confirmed, "shop.internal");
        let found = host.root("dns-implicit-upstream-shadow");
        assert!(
            found.evidence.iter().any(|e| e.origin.to_string() == "/etc/nginx/conf.d/admin.conf:7")
        );
        host.spares("dns-stale-ip");
    }
}
