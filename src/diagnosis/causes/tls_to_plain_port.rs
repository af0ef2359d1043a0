//! The gateway speaks TLS to a port that speaks plain HTTP.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, TlsAnswer},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "tls-to-plain-port", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| c.upstream.protocol.is_tls()) {
        let line = scene.facts_on(chain, &["tls-to-plain-port"]).next_back();
        let waiting =
            scene.facts_on(chain, &["tls-handshake-timeout", "tls-handshake-closed"]).next_back();
        let answer = chain.peers.iter().find_map(|p| p.probe.and_then(|probe| probe.tls.as_ref()));
        let confidence = match (line, answer) {
            (_, Some(TlsAnswer::Tls | TlsAnswer::Alert(_))) => continue,
            (_, Some(TlsAnswer::PlainHttp)) | (Some(_), _) => Confidence::Confirmed,
            (None, Some(TlsAnswer::Other(_) | TlsAnswer::Silent | TlsAnswer::Closed))
                if waiting.is_some() =>
            {
                Confidence::Likely
            }
            _ => continue,
        };
        let address = chain.upstream.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut finding = Finding::new(
            RULE.cause,
            confidence,
            format!("the gateway speaks TLS to {address}, which speaks plain HTTP"),
        )
        .about(scene.subject_of(chain))
        .with(
            format!("the scheme is written here: {}", chain.upstream.protocol.as_str()),
            Origin::Config(chain.upstream.place.clone()),
            None,
        )
        .with_some(line.or(waiting).map(Scene::quote))
        .since(line.or(waiting).map(|f| f.at).or(scene.incident.first))
        .check("write http:// instead of https://, or let the application speak TLS");
        if answer == Some(&TlsAnswer::PlainHttp) {
            finding =
                finding.with("a TLS greeting was answered in plain HTTP", Origin::Probe, None);
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{ProbeOutcome, Protocol, TlsAnswer},
    };

    const AT: &str = "127.0.0.1:8000";
    const WRONG: &str = "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream";
    const WAITS: &str =
        "upstream timed out (110: Connection timed out) while SSL handshaking to upstream";

    fn host() -> Host {
        Host::new().upstream_with(AT, |u| u.protocol = Protocol::Https).serves(
            "shop.service",
            AT,
            100,
        )
    }

    fn probed(answer: TlsAnswer) -> Host {
        host().probe_of(AT, AT, ProbeOutcome::Connected, Some(answer))
    }

    #[test]
    fn plain_http_in_answer_to_a_greeting_proves_it() {
        let found = probed(TlsAnswer::PlainHttp).nginx(10, WRONG, AT).root("tls-to-plain-port");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_plain_port_that_waits_for_a_request_is_likely() {
        let found = probed(TlsAnswer::Silent).nginx(10, WAITS, AT).root("tls-to-plain-port");
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.explains.contains(&"tls-handshake-timeout"), "{:?}", found.explains);
    }

    #[test]
    fn a_port_that_speaks_tls_has_trouble_with_its_certificate_at_most() {
        probed(TlsAnswer::Tls).nginx(10, WRONG, AT).spares("tls-to-plain-port");
        probed(TlsAnswer::Alert(40)).nginx(10, WAITS, AT).spares("tls-to-plain-port");
    }

    #[test]
    fn an_upstream_in_clear_is_never_asked_for_tls() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .probe_of(AT, AT, ProbeOutcome::Connected, Some(TlsAnswer::PlainHttp))
            .spares("tls-to-plain-port");
    }
}
