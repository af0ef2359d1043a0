//! The upstream takes longer than the gateway waits: a 504.

use std::fmt::Write as _;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Chain,
    observation::{GatewayKind, Origin, Protocol},
};

use super::{by_gateway_line, by_upstream_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "proxy-read-timeout", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        RULE.cause,
        &["proxy-read-timeout"],
        Confidence::Confirmed,
        |address, n| format!("{address} is too slow: the gateway stopped waiting ({n} times)"),
    );
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        let status = status_of(chain);
        let _ = write!(finding.summary, " and answered {status}");
        let read = &chain.upstream.timeouts.read;
        // Of several places that wait for different times, one says nothing of another.
        if !chain.upstream.timeouts_differ {
            let what = format!(
                "the read timeout is {} ms{}",
                read.value,
                if read.place.is_some() { "" } else { ", the default" }
            );
            let place = read.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
            finding.evidence.push(crate::diagnosis::Evidence {
                what,
                origin: Origin::Config(place),
                at: None,
            });
        }
        finding.next_check = Some(
            "what is the application waiting for? A longer timeout hides it and holds more workers"
                .to_owned(),
        );
    }
    // Apache names no backend in what it says of FastCGI; with several of them none is blamed.
    found.extend(unnamed(scene));
    found
}

fn unnamed(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways().filter(|g| g.kind != GatewayKind::Nginx) {
        let facts = by_gateway_line::nameless(scene, gateway, &[RULE.cause]);
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let summary = format!(
            "a backend is too slow: {} stopped waiting ({} times)",
            gateway.kind.as_str(),
            facts.len()
        );
        let mut finding = Finding::new(RULE.cause, Confidence::Likely, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("which URL fails? The access log in the same second tells, and so the backend");
        finding.subject.gateway = Some(gateway.id.clone());
        finding.current = by_upstream_line::still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// What the client gets: Apache's HTTP proxy answers 502 where all others answer 504.
fn status_of(chain: &Chain<'_>) -> u16 {
    let http = !matches!(chain.upstream.protocol, Protocol::Fastcgi | Protocol::Ajp);
    if chain.gateway.kind == GatewayKind::Apache && http { 502 } else { 504 }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:8000";
    const SLOW: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    #[test]
    fn an_upstream_slower_than_the_gateway_waits_is_told_with_the_limit() {
        let host = Host::new()
            .upstream_with(AT, |u| u.timeouts.read.value = 60_000)
            .serves("shop.service", AT, 100)
            .nginx(10, SLOW, AT)
            .nginx(20, SLOW, AT);
        let found = host.root("proxy-read-timeout");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("2 times"), "{}", found.summary);
        assert!(found.evidence.iter().any(|e| e.what.contains("60000 ms")));
    }

    #[test]
    fn where_places_wait_for_different_times_none_is_told_for_another() {
        let host = Host::new()
            .upstream_with(AT, |u| {
                u.timeouts.read.value = 60_000;
                u.timeouts_differ = true;
            })
            .serves("shop.service", AT, 100)
            .nginx(10, SLOW, AT);
        let found = host.root("proxy-read-timeout");
        assert!(found.evidence.iter().all(|e| !e.what.contains("60000 ms")));
    }

    #[test]
    fn a_timeout_of_the_connect_is_another_trouble() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx(
                10,
                "upstream timed out (110: Connection timed out) while connecting to upstream",
                AT,
            )
            .spares("proxy-read-timeout");
    }

    #[test]
    fn a_timeout_of_yesterday_is_not_one_of_today() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx(86_400, SLOW, AT)
            .refused(10, AT)
            .spares("proxy-read-timeout");
    }

    #[test]
    fn apache_answers_502_for_http_and_504_for_fastcgi() {
        use crate::observation::Protocol;
        let http = "[proxy_http:error] [pid 11:tid 11] (70007)The timeout specified has expired: [client 127.0.0.1:4] AH01102: error reading status line from remote server 127.0.0.1:8000";
        let host =
            Host::apache().upstream(AT).serves("shop.service", AT, 100).apache_said(10, http);
        let found = host.root("proxy-read-timeout");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.ends_with("answered 502"), "{}", found.summary);
        let fcgi = "[proxy_fcgi:error] [pid 11:tid 11] (70007)The timeout specified has expired: [client 127.0.0.1:4] AH01075: Error dispatching request to :80: (polling)";
        let php = |host: Host, at: &str| host.upstream_with(at, |u| u.protocol = Protocol::Fastcgi);
        let one = php(Host::apache(), AT).serves("php.service", AT, 100).apache_said(10, fcgi);
        let found = one.root("proxy-read-timeout");
        assert!(found.summary.ends_with("answered 504"), "{}", found.summary);
        assert_eq!(found.subject.upstreams.len(), 1);
        let two = php(one, "127.0.0.1:8001").serves("other.service", "127.0.0.1:8001", 101);
        let found = two.root("proxy-read-timeout");
        assert_eq!((found.confidence, found.subject.upstreams.len()), (Confidence::Likely, 0));
    }
}
