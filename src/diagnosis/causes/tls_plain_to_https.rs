//! The gateway speaks plain HTTP to a port that speaks TLS.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Chain,
    observation::{Address, Origin, Protocol, Site, TlsAnswer},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "tls-plain-to-https", judge };

/// What the gateway sees of a server that expects a greeting.
const CUT: [&str; 4] = [
    "sym-closed-before-header",
    "sym-reset-before-header",
    "response-not-http",
    "response-header-invalid",
];

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| c.upstream.protocol == Protocol::Http) {
        let answer = chain.peers.iter().find_map(|p| p.probe.and_then(|probe| probe.tls.as_ref()));
        let speaks = matches!(answer, Some(TlsAnswer::Tls | TlsAnswer::Alert(_)));
        // A gateway of this host stands behind the port, and says what it was sent.
        let site = own_site(scene, chain);
        let told = scene.facts(&[RULE.cause]).rfind(|f| f.gateway.is_some() && site.is_some());
        let cut = scene.facts_on(chain, &CUT).next_back();
        let sure = match (speaks, site.is_some(), cut.is_some()) {
            (true, _, true) => Confidence::Confirmed,
            (_, true, _) if told.is_some() => Confidence::Confirmed,
            (true, ..) | (_, true, _) => Confidence::Likely,
            _ => continue,
        };
        let address = chain.upstream.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut finding = Finding::new(
            RULE.cause,
            sure,
            format!("the gateway speaks plain HTTP to {address}, which speaks TLS"),
        )
        .about(scene.subject_of(chain))
        .with(
            "the scheme is written here: http",
            Origin::Config(chain.upstream.place.clone()),
            None,
        )
        .with_some(cut.map(Scene::quote))
        .with_some(told.map(Scene::quote))
        .since(cut.or(told).map(|f| f.at).or(scene.incident.first))
        .check("write https:// instead of http://, or let the application speak plain HTTP");
        if speaks {
            finding = finding.with("a TLS greeting was answered in TLS", Origin::Probe, None);
        }
        if let Some(site) = site {
            let listens =
                site.listens.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let what = format!("what stands behind it listens with TLS: {listens}");
            finding = finding.with(what, Origin::Config(site.place.clone()), None);
        }
        found.push(finding);
    }
    found
}

/// A virtual host of this host's gateways that listens at the upstream's port with TLS, while the
/// socket there is that gateway's.
fn own_site<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> Option<&'a Site> {
    let port = chain.upstream.address.as_ref().and_then(Address::port)?;
    let peer = chain.peers.iter().find(|peer| peer.local)?;
    let holders = &peer.listener?.pids;
    let is_own = |gateway: &&crate::observation::Gateway| {
        holders.iter().any(|pid| gateway.master == Some(*pid) || gateway.workers.contains(pid))
    };
    let behind = scene.gateways().find(is_own)?;
    let sites = &scene.case.configs.get(&behind.id)?.sites;
    let listens = |text: &str| {
        let mut words = text.split_whitespace();
        let at = words.next().unwrap_or_default();
        let own_port = at.rsplit(':').next().and_then(|p| p.parse::<u16>().ok());
        own_port == Some(port) && words.any(|word| word == "ssl")
    };
    // One virtual host with TLS at a port makes the port speak it.
    sites.iter().find(|site| site.listens.iter().any(|text| listens(text.raw())))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{Place, ProbeOutcome, Site, TlsAnswer},
    };

    const AT: &str = "127.0.0.1:8443";

    fn host(answer: TlsAnswer) -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100).probe_of(
            AT,
            AT,
            ProbeOutcome::Connected,
            Some(answer),
        )
    }

    #[test]
    fn a_port_that_speaks_tls_and_hangs_up_on_plain_http_is_told() {
        let host = host(TlsAnswer::Tls).closed(10, AT);
        host.incident("tls-plain-to-https", Confidence::Confirmed, "8443");
        assert!(host.root("tls-plain-to-https").explains.contains(&"sym-closed-before-header"));
    }

    #[test]
    fn a_port_that_does_not_speak_tls_closes_for_another_reason() {
        host(TlsAnswer::PlainHttp).closed(10, AT).spares("tls-plain-to-https");
        host(TlsAnswer::Closed).closed(10, AT).spares("tls-plain-to-https");
    }

    #[test]
    fn a_virtual_host_with_tls_behind_the_port_needs_no_greeting() {
        let place = Place { file: "/etc/nginx/conf.d/api.conf".into(), line: 2 };
        let site = Site { place, listens: vec!["127.0.0.1:8443 ssl".into()], names: vec![] };
        let host = Host::passing_to(AT).listens(AT, 10).config(|c| c.sites.push(site));
        assert_eq!(host.root("tls-plain-to-https").confidence, Confidence::Likely);
    }
}
