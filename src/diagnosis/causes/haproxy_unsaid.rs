//! What HAProxy does not put into its line about a request: why it refused an answer (it says so over
//! its socket), why a TLS connection failed, and that it connects inside its chroot.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, Listening, PeerState},
    observation::{Address, GatewayKind, Origin, SourceId, Text},
};

use super::{by_upstream_line::still_current, haproxy_group::groups};

/// One finding for each server about which the line alone says too little.
pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = refused_answers(scene);
    let ours = scene.chains.iter().filter(|c| c.gateway.kind == GatewayKind::Haproxy);
    found.extend(ours.clone().filter_map(|chain| untrusted(scene, chain)));
    found.extend(ours.filter_map(|chain| in_chroot(scene, chain)));
    found
}

/// What `show errors` says of an answer that was refused (flags PH).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooBig,
    NotHttp,
}

/// The parser stopped in the headers with a full buffer, or at the status line.
fn refusal(words: &str) -> Option<Refusal> {
    let after = |mark: &str| {
        let rest = words.split_once(mark)?.1;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let state = words.split_once("msg state ").map_or("", |(_, rest)| rest);
    if state.starts_with("MSG_RP") {
        return Some(Refusal::NotHttp);
    }
    let full = after("error at position ")? == after(" len ")? && after(" len ")? >= 1_024;
    (state.starts_with("MSG_HDR") && full).then_some(Refusal::TooBig)
}

fn refused_answers(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene).iter().filter(|group| group.control.is_some()) {
        let runtime = scene.case.runtime.get(&group.gateway.id).map(|track| &track.now.value);
        let newest = runtime.and_then(|state| state.refused.iter().rfind(|(g, _)| g == group.name));
        let Some((_, words)) = newest else { continue };
        let Some(refusal) = refusal(words.raw()) else { continue };
        for (_, chain, _) in &group.servers {
            let Some(line) = scene.facts_on(chain, &["response-header-invalid"]).next_back() else {
                continue;
            };
            let address = line.address.as_ref().map(ToString::to_string).unwrap_or_default();
            let buffer = &chain.upstream.header_buffer;
            let (cause, summary, check) = match refusal {
                Refusal::TooBig => (
                    "response-header-too-big",
                    format!(
                        "{address} sends response headers that do not fit HAProxy's buffer of {} bytes",
                        buffer.value
                    ),
                    "which header is so long (a cookie?); else raise tune.bufsize, which counts for every connection",
                ),
                Refusal::NotHttp => (
                    "response-not-http",
                    format!("{address} sends something that is not HTTP"),
                    "show errors on the stats socket shows the bytes; which program listens on that port?",
                ),
            };
            let mut finding = Finding::new(cause, Confidence::Confirmed, summary)
                .about(scene.subject_of(chain))
                .with_some(Some(Scene::quote(line)))
                .since(Some(line.at))
                .check(check);
            finding.evidence.push(Evidence {
                what: format!(
                    "show errors: {}",
                    words.to_string().chars().take(200).collect::<String>()
                ),
                origin: group.control.clone().unwrap_or(Origin::Path(Text::new("stats socket"))),
                at: Some(line.at),
            });
            finding.current = still_current(scene, chain.gateway.loaded, line.at);
            found.push(finding);
        }
    }
    found
}

/// A failed connect to a server that accepts both a connection and a handshake: HAProxy refuses the
/// certificate. Dates and names are judged where they are seen; what is left is the authority.
fn untrusted<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> Option<Finding> {
    let upstream = chain.upstream;
    if !upstream.protocol.is_tls() || !upstream.tls_verify || chain.state != PeerState::Up {
        return None;
    }
    let line = scene.facts_on(chain, &["sym-connect-failed"]).next_back()?;
    let probe = chain.peers.iter().find_map(|peer| peer.probe)?;
    let facts = probe.tls_facts.as_deref()?;
    let certificate = facts.certificate.as_ref()?;
    let valid = certificate.not_before <= scene.now() && certificate.not_after >= scene.now();
    let named = upstream.tls.name.as_ref().is_none_or(|name| certificate.covers(name.raw()));
    if facts.alert.is_some() || facts.asks_certificate || !valid || !named {
        return None;
    }
    let address = line.address.as_ref().map(ToString::to_string).unwrap_or_default();
    let sure = if facts.complete() { Confidence::Confirmed } else { Confidence::Likely };
    let trusts = upstream
        .tls
        .trusted
        .as_ref()
        .map_or_else(|| "the system's authorities".to_owned(), |file| format!("{file}"));
    let summary = format!(
        "{address} accepts the connection and the handshake; its certificate is from \"{}\", and HAProxy trusts {trusts}",
        certificate.issuer
    );
    let mut finding = Finding::new("tls-untrusted-ca", sure, summary)
        .about(scene.subject_of(chain))
        .with_some(Some(Scene::quote(line)))
        .with(
            format!("a handshake without verification succeeds; issuer {}", certificate.issuer),
            Origin::Probe,
            None,
        )
        .with("verify required".to_owned(), Origin::Config(upstream.place.clone()), None)
        .since(Some(line.at))
        .check(format!(
            "does {trusts} hold the authority that signed it? openssl s_client -connect {address}"
        ));
    finding.current = still_current(scene, chain.gateway.loaded, line.at);
    Some(finding)
}

/// The socket is there on the host, and HAProxy looks for it below its own root.
fn in_chroot<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> Option<Finding> {
    let Some(Address::Unix(path)) = &chain.upstream.address else { return None };
    let (_, written) =
        chain.upstream.written.raw().split_once('/').map(|(_, rest)| ((), format!("/{rest}")))?;
    let chroot = path.raw().strip_suffix(written.as_str()).filter(|root| !root.is_empty())?;
    let gone = chain
        .peers
        .iter()
        .all(|peer| peer.listening == Listening::No && peer.state == PeerState::Down);
    let netns = scene.case.netns_of(chain.gateway)?;
    let table = &scene.case.listeners.get(&netns)?.value;
    let outside = Address::Unix(Text::new(&written));
    let listener = table.listeners.iter().find(|l| l.stream && l.address == outside)?;
    if !gone {
        return None;
    }
    let summary = format!(
        "HAProxy connects inside its chroot {chroot}: it looks for {path}, and the socket that listens is {written}"
    );
    let line = scene.facts_on(chain, &["sym-connect-failed"]).next_back();
    let mut subject = scene.subject_of(chain);
    subject.path = Some(Text::new(&written));
    let mut finding = Finding::new("unix-socket-path-mismatch", Confidence::Confirmed, summary)
        .about(subject)
        .with(format!("a socket listens on {written}"), Origin::Sockets, None)
        .with_some(line.map(Scene::quote))
        .with(format!("chroot {chroot}"), Origin::Config(chain.upstream.place.clone()), None)
        .since(line.map(|line| line.at).or(scene.incident.first))
        .check(format!(
            "let the application listen below {chroot}, bind-mount its folder there, or use TCP"
        ));
    if listener.pids.is_empty() {
        finding = finding.unseen("who listens there", SourceId::Processes);
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing_haproxy::{balancer, server},
        observation::{CertificateFacts, Protocol, ServerStatus},
    };

    const A: &str = "127.0.0.1:8000";

    #[test]
    fn what_show_errors_says_decides_what_was_refused() {
        let of = |words: &str| {
            balancer("app", &[A])
                .serves("shop.service", A, 100)
                .haproxy_errors(
                    vec![server("app", "s1", ServerStatus::Unchecked)],
                    &[("app", words)],
                )
                .haproxy_request(10, "app/s1", 502, "PH--")
        };
        let big = "[x] backend app (#3): invalid response; buffer starts at 0, 64 free, len 16320, wraps at 16336, error at position 16320; H1 msg state MSG_HDR_VAL(22)";
        let found = of(big).root("response-header-too-big");
        assert!(found.explains.contains(&"response-header-invalid"), "{:?}", found.explains);
        let other = "[x] backend app (#4): invalid response; len 26, wraps at 16336, error at position 0; H1 msg state MSG_RPVER(10)";
        of(other).root("response-not-http");
        // A broken header in the middle is neither.
        let broken = "[x] backend app (#4): invalid response; len 2600, wraps at 16336, error at position 40; H1 msg state MSG_HDR_NAME(17)";
        of(broken).root("response-header-invalid");
    }

    #[test]
    fn a_certificate_that_is_right_but_for_its_authority_is_not_trusted() {
        let host = |change: fn(&mut CertificateFacts)| {
            balancer("app", &[A])
                .config(|config| {
                    config.upstreams[0].protocol = Protocol::Https;
                    config.upstreams[0].tls_verify = true;
                    config.upstreams[0].tls.trusted = Some("/etc/haproxy/ca.pem".into());
                })
                .serves("vault.service", A, 100)
                .handshake_with(A, A, |facts| {
                    let mut certificate = CertificateFacts {
                        subject: "CN=vault".into(),
                        issuer: "CN=vault".into(),
                        names: vec!["vault".into()],
                        not_before: crate::diagnosis::testing::ago(86_400),
                        not_after: crate::diagnosis::testing::ago(-86_400),
                    };
                    change(&mut certificate);
                    facts.certificate = Some(certificate);
                })
                .haproxy_request(10, "app/s1", 503, "SC--")
        };
        let found = host(|_| {}).root("tls-untrusted-ca");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("/etc/haproxy/ca.pem"), "{}", found.summary);
        let over = host(|certificate| certificate.not_after = crate::diagnosis::testing::ago(60));
        over.spares("tls-untrusted-ca");
        over.root("tls-cert-expired");
    }

    #[test]
    fn a_socket_outside_of_the_chroot_is_not_found_by_haproxy() {
        let host = balancer("app", &["unix:/var/lib/haproxy/run/app.sock"])
            .config(|config| config.upstreams[0].written = "unix@/run/app.sock".into())
            .process(100, "app", "shop.service")
            .listens("unix:/run/app.sock", 100)
            .haproxy_request(10, "app/s1", 503, "SC--");
        let found = host.root("unix-socket-path-mismatch");
        assert_eq!(found.subject.path.unwrap().raw(), "/run/app.sock");
        let plain = balancer("app", &["unix:/run/app.sock"])
            .config(|config| config.upstreams[0].written = "/run/app.sock".into())
            .process(100, "app", "shop.service")
            .listens("unix:/run/app.sock", 100);
        plain.spares("unix-socket-path-mismatch");
    }
}
