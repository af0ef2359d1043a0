//! The backend speaks HTTP/2 only, and the gateway asks in HTTP/1.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, TlsAnswer},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "protocol-h2-on-http1", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in &scene.chains {
        let lines: Vec<_> = scene.facts_on(chain, &["response-not-http"]).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        let greeted = chain.peers.iter().find_map(|peer| match &peer.probe?.tls {
            Some(TlsAnswer::Other(bytes)) if is_settings(bytes.raw()) => Some(bytes),
            _ => None,
        });
        let Some(bytes) = greeted else { continue };
        let at = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let summary = format!(
            "{at} speaks HTTP/2 only and the gateway asks in HTTP/1: clients get bytes that are no \
             page ({} times)",
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
            .about(scene.subject_of(chain))
            .with(format!("it greets with an HTTP/2 settings frame ({bytes})"), Origin::Probe, None)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check(
                "grpc_pass for gRPC; else proxy_http_version 2 (nginx 1.29.4) or an HTTP/1 port",
            );
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// Whether bytes in hexadecimal begin a settings frame: a length of three bytes, then type 4 and,
/// as the first frame of a connection, no flags and stream 0 (RFC 9113, section 4.1).
fn is_settings(hex: &str) -> bool {
    hex.is_ascii() && hex.starts_with("0000") && hex.get(6..8) == Some("04")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnosis::testing::Host, observation::ProbeOutcome};

    const AT: &str = "127.0.0.1:50051";
    const LINE: &str =
        "upstream sent no valid HTTP/1.0 header while reading response header from upstream";

    fn greeting(answer: TlsAnswer) -> Host {
        Host::passing_to(AT)
            .serves("grpc.service", AT, 100)
            .probe_of(AT, AT, ProbeOutcome::Connected, Some(answer))
            .nginx(10, LINE, AT)
    }

    #[test]
    fn a_settings_frame_proves_http_2() {
        let host = greeting(TlsAnswer::Other("000006040000000000".into()));
        let found = host.root("protocol-h2-on-http1");
        assert!(found.explains.contains(&"response-not-http"));
        host.incident("protocol-h2-on-http1", Confidence::Confirmed, "50051");
    }

    #[test]
    fn other_bytes_are_garbage_and_not_http_2() {
        for bytes in ["5353482d322e30", "", "0000", "000006"] {
            let host = greeting(TlsAnswer::Other(bytes.into()));
            host.spares("protocol-h2-on-http1");
            host.root("response-not-http");
        }
        greeting(TlsAnswer::PlainHttp).spares("protocol-h2-on-http1");
    }
}
