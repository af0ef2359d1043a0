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
