//! The response header does not fit the gateway's buffer.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Gateway, GatewayKind, Origin, Protocol},
};

use super::{by_gateway_line, by_upstream_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "response-header-too-big", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        RULE.cause,
        &["response-header-too-big"],
        Confidence::Confirmed,
        |address, n| {
            format!(
                "{address} sends response headers that do not fit the gateway's buffer ({n} times)"
            )
        },
    );
    found.extend(scene.gateways().filter_map(|gateway| unnamed(scene, gateway)));
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        let directive = match chain.upstream.protocol {
            _ if chain.gateway.kind == GatewayKind::Apache => "responsefieldsize",
            Protocol::Fastcgi => "fastcgi_buffer_size",
            Protocol::Uwsgi => "uwsgi_buffer_size",
            Protocol::Scgi => "scgi_buffer_size",
            Protocol::Grpc | Protocol::Grpcs => "grpc_buffer_size",
            _ => "proxy_buffer_size",
        };
        let buffer = &chain.upstream.header_buffer;
        let what = format!("{directive} is {} bytes", buffer.value);
        let place = buffer.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
        let what = if buffer.place.is_some() { what } else { format!("{what}, the default") };
        finding.evidence.push(crate::diagnosis::Evidence {
            what,
            origin: Origin::Config(place),
            at: None,
        });
        finding.next_check = Some(if chain.gateway.kind == GatewayKind::Apache {
            "which header is so long (a cookie?); else raise responsefieldsize= of the ProxyPass; \
             the disk that the line speaks of has nothing to do with it"
                .to_owned()
        } else {
            format!(
                "which header is so long (a cookie?); else raise {directive}, with the busy buffers rule in mind"
            )
        });
    }
    found
}

/// Apache does not name the backend in this line.
fn unnamed(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    if gateway.kind != GatewayKind::Apache {
        return None;
    }
    let facts = by_gateway_line::nameless(scene, gateway, &[RULE.cause]);
    let (first, last) = (facts.first()?, facts.last()?);
    let summary = format!(
        "a backend sends response headers that Apache does not take ({} times)",
        facts.len()
    );
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .with_some(Some(Scene::quote(last)))
        .since(Some(first.at))
        .check("which URL? Its cookies or redirects are too long; else raise responsefieldsize=");
    finding.subject.gateway = Some(gateway.id.clone());
    finding.current = by_upstream_line::still_current(scene, gateway.loaded, last.at);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago},
        },
        observation::Protocol,
    };

    const AT: &str = "127.0.0.1:8000";
    const BIG: &str = "upstream sent too big header while reading response header from upstream";

    #[test]
    fn a_header_that_does_not_fit_is_told_with_the_directive() {
        let host = Host::new()
            .upstream_with(AT, |u| u.protocol = Protocol::Fastcgi)
            .serves("shop.service", AT, 100)
            .nginx(10, BIG, AT);
        let found = host.root("response-header-too-big");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.evidence.iter().any(|e| e.what.contains("fastcgi_buffer_size is 4096")));
    }

    #[test]
    fn a_reload_since_the_last_such_line_may_have_cured_it() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .gateway(|g| g.loaded = Some(ago(20)))
            .nginx(40, BIG, AT);
        let diagnosis = host.diagnose();
        assert!(diagnosis.findings.is_empty());
        assert!(diagnosis.recovered.iter().any(|f| f.cause == "response-header-too-big"));
    }

    #[test]
    fn another_upstream_with_small_headers_is_not_accused() {
        let other = "127.0.0.1:9000";
        let host = Host::passing_to(AT)
            .upstream(other)
            .serves("shop.service", AT, 100)
            .serves("blog.service", other, 200)
            .nginx(10, BIG, AT);
        assert_eq!(host.root("response-header-too-big").subject.upstreams.len(), 1);
    }

    #[test]
    fn apaches_words_of_a_full_disk_are_about_a_header() {
        let line = "[proxy_http:warn] [pid 11:tid 11] (28)No space left on device: [client 127.0.0.1:4] AH10124: header size is over the limit allowed by ResponseFieldSize (8192 bytes). Bad response header: 'Set-Cookie: a=xxx'";
        let one = Host::apache().upstream(AT).serves("shop.service", AT, 100).apache_said(10, line);
        let found = one.root("response-header-too-big");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert!(found.evidence.iter().any(|e| e.what.contains("responsefieldsize")));
        one.spares("disk-full-proxy-temp");
        one.spares("disk-full-app");
        let two = one.upstream("127.0.0.1:8001").serves("blog.service", "127.0.0.1:8001", 101);
        let found = two.root("response-header-too-big");
        assert_eq!((found.confidence, found.subject.upstreams.len()), (Confidence::Confirmed, 0));
    }
}
