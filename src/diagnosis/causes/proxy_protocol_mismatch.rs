//! A port that expects the PROXY protocol is asked without it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Chain,
    observation::{Gateway, Origin, Site},
};

use super::{behind, by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "proxy-protocol-mismatch", judge };

/// Lines from which a port without a known asker is in trouble: a scanner makes single ones.
const MANY: usize = 5;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for inner in scene.gateways() {
        let lines: Vec<_> =
            scene.facts(&[RULE.cause]).filter(|f| f.gateway.as_ref() == Some(&inner.id)).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        let sites: Vec<&Site> = expecting(scene, inner).collect();
        let askers: Vec<usize> = scene
            .chains
            .iter()
            .enumerate()
            .filter(|(_, chain)| sites.iter().any(|site| leads_to(chain, site)))
            .map(|(index, _)| index)
            .collect();
        let (sure, who) = match (askers.is_empty(), lines.len() >= MANY) {
            (false, _) => (Confidence::Confirmed, "the gateway in front of it".to_owned()),
            (true, true) => (Confidence::Likely, "whoever is in front of it".to_owned()),
            (true, false) => continue,
        };
        let what = format!(
            "{} expects the PROXY protocol on a port, and {who} does not speak it there: it hangs \
             up ({} times)",
            inner.kind.as_str(),
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, sure, what)
            .about(scene.subject(&askers))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("both sides must agree: `listen … proxy_protocol` here, `send-proxy` there");
        if askers.is_empty() {
            finding.subject.gateway = Some(inner.id.clone());
        }
        for site in sites.iter().take(2) {
            let listens: Vec<String> = site.listens.iter().map(ToString::to_string).collect();
            finding = finding.with(
                format!("listen {}", listens.join(", ")),
                Origin::Config(site.place.clone()),
                None,
            );
        }
        finding = finding.with_some(scene.symptom(&askers));
        finding.current = still_current(scene, inner.loaded, last.at);
        found.push(finding);
    }
    found.extend(unasked(scene));
    found
}

/// Lines of a gateway about an answer that is none, as one gets for words that are not understood.
const NO_ANSWER: [&str; 4] = [
    "sym-closed-before-header",
    "sym-reset-before-header",
    "response-not-http",
    "response-header-invalid",
];

/// The other way round: the gateway begins with the PROXY protocol (`send-proxy`), and who is behind
/// does not understand it. Who does not is not seen by us, so it is never certain.
fn unasked(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, chain) in scene.chains.iter().enumerate() {
        if !chain.upstream.params.sends_proxy || awaited(scene, chain) {
            continue;
        }
        let lines: Vec<_> = scene.facts_on(chain, &NO_ANSWER).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        // Who answers others well understands what all of them begin with.
        let (all, failed) =
            scene.case.access.totals(Some(&chain.gateway.id), scene.incident.window);
        let sure = if all > failed { Confidence::Possible } else { Confidence::Likely };
        let at = &chain.upstream.written;
        let what = format!(
            "{} begins each connection to {at} with the PROXY protocol (send-proxy), and gets no \
             HTTP answer ({} times): who listens there may not understand it",
            chain.gateway.kind.as_str(),
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, sure, what)
            .about(scene.subject(&[index]))
            .with_some(Some(Scene::quote(last)))
            .with("send-proxy".to_owned(), Origin::Config(chain.upstream.place.clone()), None)
            .since(Some(first.at))
            .check("does the server expect the PROXY protocol? Else take send-proxy away");
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// Whether a gateway behind an upstream expects the protocol there.
fn awaited(scene: &Scene<'_>, chain: &Chain<'_>) -> bool {
    scene.gateways().any(|inner| expecting(scene, inner).any(|site| leads_to(chain, site)))
}

/// Virtual hosts of a gateway that expect the protocol.
fn expecting<'a>(scene: &Scene<'a>, gateway: &Gateway) -> impl Iterator<Item = &'a Site> {
    let config = scene.case.configs.get(&gateway.id);
    config.into_iter().flat_map(|config| &config.sites).filter(|site| {
        site.listens.iter().any(|l| l.raw().split_whitespace().any(|w| w == "proxy_protocol"))
    })
}

fn leads_to(chain: &Chain<'_>, site: &Site) -> bool {
    chain.peers.iter().any(|peer| {
        let port = peer.address.port();
        let listens = |listen: &str| {
            let first = listen.split_whitespace().next().unwrap_or_default();
            let digits = first.rsplit(':').next().unwrap_or_default();
            digits.parse::<u16>().ok() == port
                || peer.address.path().is_some_and(|p| first == format!("unix:{p}"))
        };
        peer.local
            && (port.is_some() || peer.address.path().is_some())
            && site.listens.iter().any(|l| l.raw().contains("proxy_protocol") && listens(l.raw()))
    }) && (behind::runs_program(chain, |name| name.starts_with("nginx"))
        || chain.peers.iter().any(|peer| peer.processes.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnosis::testing::Host, observation::Place};

    const AT: &str = "127.0.0.1:8081";
    const BROKEN: &str = r#"broken header: "GET / HTTP/1.0"#;

    fn front(listen: &str) -> Host {
        Host::passing_to(AT)
            .process(11, "nginx", "nginx.service")
            .listens(AT, 11)
            .config(|c| {
                c.sites.push(Site {
                    place: Place { file: "/etc/nginx/conf.d/in.conf".into(), line: 2 },
                    listens: vec![listen.into()],
                    names: Vec::new(),
                });
            })
            .closed(10, AT)
    }

    #[test]
    fn a_port_that_waits_for_the_protocol_is_told_with_its_asker() {
        front("127.0.0.1:8081 proxy_protocol").nginx_line(10, BROKEN).incident(
            "proxy-protocol-mismatch",
            Confidence::Confirmed,
            "8081",
        );
    }

    #[test]
    fn a_scanner_on_a_port_that_nobody_here_asks_is_no_trouble() {
        let host = front("127.0.0.1:443 ssl proxy_protocol").nginx_line(10, BROKEN);
        host.spares("proxy-protocol-mismatch");
    }

    #[test]
    fn a_server_that_is_sent_the_protocol_unasked_is_named_before_its_bad_answers() {
        use crate::{
            diagnosis::testing_haproxy::balancer,
            observation::{Refusal, RefusedAnswer},
        };
        let host = |sends: bool| {
            let kept = RefusedAnswer {
                group: "app".into(),
                server: "s1".into(),
                client: "10.0.0.9:50908".into(),
                why: Refusal::NotHttp,
                words: "invalid response".into(),
            };
            balancer("app", &[AT])
                .config(|config| config.upstreams[0].params.sends_proxy = sends)
                .serves("shop.service", AT, 100)
                .haproxy_request(10, "app/s1", 502, "PH--")
                .haproxy_refused(vec![kept])
        };
        let found = host(true).root("proxy-protocol-mismatch");
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.explains.contains(&"response-not-http"), "{:?}", found.explains);
        host(false).root("response-not-http");
        host(false).spares("proxy-protocol-mismatch");
    }

    #[test]
    fn a_crash_behind_a_plain_port_is_no_such_mistake() {
        front("127.0.0.1:8081").spares("proxy-protocol-mismatch");
    }
}
