//! A variable in a pass directive names a host, and nothing tells the gateway whom to ask for it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, GatewayKind, Origin, Text},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "dns-no-resolver", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    // The others ask the system's resolver, at each connection too.
    for gateway in scene.gateways().filter(|g| g.kind == GatewayKind::Nginx) {
        let line = scene.facts(&[RULE.cause]).rfind(|f| f.gateway.as_ref() == Some(&gateway.id));
        let own = |c: &&crate::evidence::topology::Chain<'_>| c.gateway.id == gateway.id;
        let host_of = |c: &crate::evidence::topology::Chain<'_>| match &c.upstream.address {
            Some(Address::Name { host, .. }) => Some(host.clone()),
            _ => None,
        };
        let told = line.and_then(|f| f.captures.get("host").cloned());
        // What is looked up at each request needs a resolver in its own place.
        let without: Vec<_> = scene
            .chains
            .iter()
            .filter(own)
            .filter(|c| c.upstream.per_request && c.upstream.resolver.is_none())
            .filter(|c| match (&told, host_of(c)) {
                (Some(told), Some(host)) => *told == host,
                (_, None) => c.upstream.address.is_none(),
                (None, Some(_)) => true,
            })
            .collect();
        let named: Vec<_> = without.iter().filter(|c| c.upstream.address.is_some()).collect();
        let sure = match (line, named.is_empty()) {
            (Some(_), _) => Confidence::Confirmed,
            // A name in a variable and no resolver: it fails at the first request.
            (None, false) => Confidence::Likely,
            (None, true) => continue,
        };
        let host = told.or_else(|| named.first().and_then(|c| host_of(c)));
        let shown = host.as_ref().map_or_else(|| "its upstream".to_owned(), Text::to_string);
        let indexes: Vec<usize> = match line {
            Some(_) => without.iter().map(|c| c.index).collect(),
            None => named.iter().map(|c| c.index).collect(),
        };
        let mut subject = scene.subject(&indexes);
        subject.gateway = Some(gateway.id.clone());
        subject.name = host;
        let mut finding = Finding::new(
            RULE.cause,
            sure,
            format!("{} has no resolver to look {shown} up", gateway.kind.as_str()),
        )
        .about(subject)
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(scene.incident.first))
        .check("add resolver ADDRESS; beside the pass directive; the address stands in /etc/resolv.conf");
        for chain in without.iter().take(3) {
            let what = format!("a variable decides here: {}", chain.upstream.written);
            finding = finding.with(what, Origin::Config(chain.upstream.place.clone()), None);
        }
        if without.is_empty() {
            finding.current = line.is_some_and(|f| still_current(scene, gateway.loaded, f.at));
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{GatewayKind, Place, Resolver},
    };

    const AT: &str = "shop.internal:8000";
    const LINE: &str = r#"no resolver defined to resolve shop.internal, client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#;

    fn host(resolver: Option<Resolver>) -> Host {
        Host::new().upstream_with(AT, |u| {
            u.per_request = true;
            u.written = "http://$backend".into();
            u.resolver = resolver;
        })
    }

    fn resolver() -> Resolver {
        let place = Place { file: "/etc/nginx/nginx.conf".into(), line: 3 };
        Resolver { servers: Vec::new(), timeout_ms: 30_000, place }
    }

    #[test]
    fn a_variable_without_a_resolver_is_told_by_the_gateways_words() {
        let host = host(None).nginx_line(10, LINE);
        host.incident("dns-no-resolver", Confidence::Confirmed, "shop.internal");
        let found = host.root("dns-no-resolver");
        assert!(found.evidence.iter().any(|e| e.what.contains("$backend")));
    }

    #[test]
    fn it_is_seen_before_the_first_request() {
        assert_eq!(host(None).root("dns-no-resolver").confidence, Confidence::Likely);
    }

    #[test]
    fn a_gateway_that_asks_the_systems_resolver_needs_none_of_its_own() {
        for kind in [GatewayKind::Caddy, GatewayKind::Traefik] {
            host(None).gateway(|g| g.kind = kind).spares("dns-no-resolver");
        }
    }

    #[test]
    fn a_resolver_that_is_there_looks_names_up() {
        host(Some(resolver())).spares("dns-no-resolver");
        Host::passing_to(AT).spares("dns-no-resolver");
    }
}
