//! The gateway passes to a port where nobody is meant to listen; the application listens on
//! another one.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Listening, Nearby, Nearness, Peer},
    observation::{ConfiguredUpstream, Gateway, Origin, Protocol, SourceId, Text},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "upstream-port-wrong", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .down()
        .filter(|(_, peer)| peer.listening == Listening::No && peer.address.path().is_none())
        .filter(|(_, peer)| peer.container.is_none())
        .filter_map(|(chain, peer)| {
            let (near, confidence) = best(scene, chain.upstream, peer)?;
            let unit = near.unit.map(|unit| unit.name.to_string());
            let program = || near.program.map(|program| program.id.to_string());
            let process = || near.process.map(|process| process.name.to_string());
            let holder = unit.or_else(program).or_else(process);
            let holder = holder.unwrap_or_else(|| "a process".to_owned());
            let summary = format!(
                "{} passes to {}, where nothing listens; {holder} listens on {}",
                chain.upstream.place, peer.address, near.listener.address
            );
            let mut subject = scene.subject_of(chain);
            subject.unit = near.unit.map(|u| u.name.clone());
            subject.program = near.program.map(|p| p.id.clone());
            let mut finding = Finding::new(RULE.cause, confidence, summary)
                .about(subject)
                .with(
                    format!("the address is written here: {}", chain.upstream.written),
                    Origin::Config(chain.upstream.place.clone()),
                    None,
                )
                .with(format!("no socket listens on {}", peer.address), Origin::Sockets, None)
                .with(
                    format!("{holder} listens on {}", near.listener.address),
                    Origin::Sockets,
                    None,
                )
                .instead(&near.listener.address)
                .since(scene.incident.first)
                .check(if is_port(near) {
                    format!(
                        "does the application answer there? curl -sI http://{}/",
                        near.listener.address
                    )
                } else {
                    "write the address that exists into the configuration, test it, reload".into()
                });
            finding.evidence.extend(scene.symptom(&[chain.index]));
            if scene.blind(SourceId::Units) {
                let what = format!("whether a stopped unit should serve {}", peer.address);
                finding = finding.unseen(what, SourceId::Units);
            }
            for other in peer.nearby.iter().filter(|n| !std::ptr::eq(*n, near) && !n.used).take(3) {
                finding.against.push(Evidence {
                    what: format!(
                        "{} listens too and could be the one meant",
                        other.listener.address
                    ),
                    origin: Origin::Sockets,
                    at: None,
                });
            }
            Some(finding)
        })
        .collect()
}

/// The listener most likely meant, and how sure that is.
pub(super) fn best<'p, 'a>(
    scene: &Scene<'_>,
    upstream: &ConfiguredUpstream,
    peer: &'p Peer<'a>,
) -> Option<(&'p Nearby<'a>, Confidence)> {
    // A unit that should serve this very port and is down explains the refusal better.
    let missed = peer.candidates.iter().any(|c| c.is_claimed() && c.is_up() == Some(false));
    // The same port on another address is closer than any other port.
    let other_address = peer.nearby.iter().any(|n| n.nearness == Nearness::SamePort);
    if missed || other_address {
        return None;
    }
    let own =
        peer.nearby.iter().find(|n| n.nearness == Nearness::SameProgram && (is_port(n) || !n.used));
    if let Some(own) = own {
        return Some((own, Confidence::Confirmed));
    }
    // What other requests rightly go to is not what these were meant for; and where no units are
    // seen, a program that belongs to none is a stranger like any other.
    let units = !scene.blind(SourceId::Units);
    let mut others = peer.nearby.iter().filter(|n| {
        n.nearness == Nearness::OtherPort
            && (n.process.is_some() || n.listener.pids.is_empty())
            && !n.used
            && !is_of_a_gateway(scene, n)
            && (units || n.unit.is_some() || n.program.is_some())
            && speaks(n, upstream.protocol)
    });
    let first = others.next()?;
    let confidence = match (others.next(), first.process) {
        (None, Some(_)) => Confidence::Confirmed,
        (_, None) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    Some((first, confidence))
}

/// Whether a gateway listens there: where clients are to ask is not where requests are to go.
fn is_of_a_gateway(scene: &Scene<'_>, near: &Nearby<'_>) -> bool {
    scene.gateways().any(|gateway| {
        let own = |pid: &u32| gateway.master == Some(*pid) || gateway.workers.contains(pid);
        let unit = gateway.unit.as_ref();
        near.listener.pids.iter().any(own)
            || unit.is_some_and(|unit| near.unit.is_some_and(|of| of.name == *unit))
            || (near.listener.pids.is_empty() && listens_there(scene, gateway, near))
    })
}

/// Whether a gateway's configuration names the port of a listener whose owner is out of sight.
fn listens_there(scene: &Scene<'_>, gateway: &Gateway, near: &Nearby<'_>) -> bool {
    let (Some(config), Some(port)) =
        (scene.case.configs.get(&gateway.id), near.listener.address.port())
    else {
        return false;
    };
    let names = |listen: &Text| {
        let first = listen.raw().split_whitespace().next().unwrap_or_default();
        first.rsplit(':').next().and_then(|end| end.parse().ok()) == Some(port)
    };
    gateway.running && config.sites.iter().flat_map(|site| &site.listens).any(names)
}

/// Whether a listener may speak what the gateway does: PHP-FPM knows FastCGI and nothing else.
fn speaks(near: &Nearby<'_>, protocol: Protocol) -> bool {
    let fpm = near.process.is_some_and(|p| p.name.raw().starts_with("php-fpm"));
    !fpm || protocol == Protocol::Fastcgi
}

fn is_port(near: &Nearby<'_>) -> bool {
    near.listener.address.path().is_none()
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

    fn elsewhere() -> Host {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims("127.0.0.1:8080").up_since(80_000))
            .process(100, "gunicorn", "shop.service")
            .listens("127.0.0.1:8080", 100)
            .refused(10, AT)
    }

    #[test]
    fn the_only_application_that_nobody_leads_to_is_the_one_that_is_meant() {
        let found = elsewhere().root("upstream-port-wrong");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("127.0.0.1:8080"), "{}", found.summary);
    }

    #[test]
    fn of_two_that_could_be_meant_neither_is_certain() {
        let host = elsewhere().process(200, "node", "blog.service").listens("127.0.0.1:3000", 200);
        let found = host.root("upstream-port-wrong");
        assert_eq!(found.confidence, Confidence::Likely);
        assert_eq!(found.against.len(), 1);
    }

    #[test]
    fn a_stopped_unit_that_claims_the_port_is_the_better_name() {
        let host = elsewhere().unit(unit("api.service").claims(AT).stopped(60));
        host.spares("upstream-port-wrong");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_database_on_another_port_is_never_meant() {
        Host::passing_to(AT)
            .process(300, "postgres", "postgresql.service")
            .listens("127.0.0.1:5432", 300)
            .refused(10, AT)
            .spares("upstream-port-wrong");
        // Nor is one whose owner cannot be seen.
        for port in [22, 53, 3306, 5432, 6379] {
            Host::passing_to(AT)
                .listens(&format!("127.0.0.1:{port}"), 0)
                .refused(10, AT)
                .spares("upstream-port-wrong");
        }
    }

    #[test]
    fn what_another_upstream_leads_to_is_not_meant() {
        Host::passing_to(AT)
            .upstream("127.0.0.1:3000")
            .serves("blog.service", "127.0.0.1:3000", 100)
            .refused(10, AT)
            .spares("upstream-port-wrong");
    }

    #[test]
    fn the_port_on_which_a_gateway_is_asked_is_never_meant() {
        // Its own, by its processes and by its unit; the host's gateway runs as these.
        let own = |pid: u32| {
            Host::passing_to(AT)
                .process(pid, "nginx", "nginx.service")
                .gateway(|g| (g.master, g.workers) = (Some(10), vec![11]))
                .listens("127.0.0.1:8080", pid)
                .refused(10, AT)
        };
        own(10).spares("upstream-port-wrong");
        own(11).spares("upstream-port-wrong");
        // That of another gateway on this host.
        let apache = Host::apache().gateway.clone();
        let mut other = apache;
        (other.master, other.workers) = (Some(20), vec![21]);
        Host::passing_to(AT)
            .process(20, "apache2", "apache2.service")
            .sees(SourceId::Gateways, crate::observation::Seen::Gateway(other))
            .listens("127.0.0.1:8080", 20)
            .refused(10, AT)
            .spares("upstream-port-wrong");
    }

    #[test]
    fn a_php_pool_is_not_meant_by_a_gateway_that_speaks_http() {
        Host::passing_to(AT)
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens("127.0.0.1:9000", 100)
            .refused(10, AT)
            .spares("upstream-port-wrong");
    }

    #[test]
    fn a_process_that_cannot_be_seen_leaves_it_possible() {
        let host = Host::passing_to(AT).listens("127.0.0.1:8080", 0).refused(10, AT);
        assert_eq!(host.root("upstream-port-wrong").confidence, Confidence::Possible);
    }

    #[test]
    fn it_says_when_a_stopped_unit_could_not_be_seen() {
        let found = elsewhere().blind(SourceId::Units).root("upstream-port-wrong");
        assert!(found.missing.iter().any(|m| m.source == SourceId::Units));
    }
}
