//! TLS to an upstream that fails: by the gateway's own line, and by a handshake that this program
//! made, as far as it shows what the gateway met.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{
        LogFact,
        topology::{Chain, PeerState},
    },
    observation::{CertificateFacts, GatewayKind, Origin, TlsAnswer, TlsFacts},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const UNTRUSTED: Rule = Rule { cause: "tls-untrusted-ca", judge: untrusted };
pub(super) const EXPIRED: Rule = Rule { cause: "tls-cert-expired", judge: expired };
pub(super) const SKEW: Rule = Rule { cause: "clock-skew", judge: skew };
pub(super) const NAME: Rule = Rule { cause: "tls-name-mismatch", judge: name };
pub(super) const SNI: Rule = Rule { cause: "tls-sni-missing", judge: sni };
pub(super) const VERSION: Rule = Rule { cause: "tls-version-or-cipher", judge: version };
pub(super) const CLIENT: Rule = Rule { cause: "tls-client-cert-required", judge: client };
pub(super) const CLOSED: Rule = Rule { cause: "tls-handshake-closed", judge: closed };
pub(super) const TIMEOUT: Rule = Rule { cause: "tls-handshake-timeout", judge: timeout };

/// Alerts of RFC 8446, section 6.
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const CERTIFICATE_REQUIRED: u8 = 116;

/// An upstream to which TLS is spoken, with what is known of it.
struct Backend<'s, 'a> {
    chain: &'s Chain<'a>,
    address: String,
    facts: Option<&'a TlsFacts>,
}

impl Backend<'_, '_> {
    fn certificate(&self) -> Option<&CertificateFacts> {
        self.facts.and_then(|facts| facts.certificate.as_ref())
    }

    /// The name that the gateway checks: its own setting, else the host of the address.
    fn name(&self) -> Option<String> {
        let own = self.chain.upstream.tls.name.as_ref().map(|name| name.raw().to_owned());
        own.or_else(|| match &self.chain.upstream.address {
            Some(crate::observation::Address::Name { host, .. }) => Some(host.raw().to_owned()),
            _ => None,
        })
    }
}

fn backends<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = Backend<'s, 'a>> {
    scene.chains.iter().filter(|c| c.upstream.protocol.is_tls()).map(|chain| {
        let facts =
            chain.peers.iter().find_map(|p| p.probe.and_then(|probe| probe.tls_facts.as_deref()));
        let address = chain.upstream.address.as_ref().map(ToString::to_string);
        Backend {
            chain,
            address: address.unwrap_or_else(|| chain.upstream.written.to_string()),
            facts,
        }
    })
}

/// The newest line of the gateway about an upstream with one of the ids.
fn line<'a>(scene: &Scene<'a>, chain: &Chain<'a>, ids: &[&str]) -> Option<&'a LogFact> {
    scene.facts_on(chain, ids).next_back()
}

fn finding(
    scene: &Scene<'_>,
    backend: &Backend<'_, '_>,
    cause: &'static str,
    sure: Confidence,
    summary: String,
    line: Option<&LogFact>,
) -> Finding {
    let chain = backend.chain;
    let mut finding = Finding::new(cause, sure, summary)
        .about(scene.subject(&[chain.index]))
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(scene.incident.first));
    if let Some(peer) = chain.peers.iter().max_by_key(|peer| peer.state) {
        finding.subject.unit = peer.responsible_unit().map(|unit| unit.name.clone());
        finding.subject.container = peer.container.map(|c| (c.id.clone(), c.name.clone()));
    }
    finding
}

/// What the certificate says, as evidence.
fn with_certificate(finding: Finding, certificate: Option<&CertificateFacts>) -> Finding {
    let Some(certificate) = certificate else { return finding };
    finding.with(
        format!(
            "its certificate: {}, issued by {}, valid from {} to {}",
            certificate.subject, certificate.issuer, certificate.not_before, certificate.not_after
        ),
        Origin::Probe,
        None,
    )
}

fn openssl(address: &str, name: Option<&str>) -> String {
    let name = name.map(|name| format!(" -servername {name}")).unwrap_or_default();
    format!("openssl s_client -connect {address}{name} </dev/null | openssl x509 -noout -text")
}

fn untrusted(scene: &Scene<'_>) -> Vec<Finding> {
    backends(scene)
        .filter_map(|backend| {
            let Some(line) = line(scene, backend.chain, &[UNTRUSTED.cause]) else {
                return unsaid(scene, &backend);
            };
            let certificate = backend.certificate();
            let by = match certificate {
                Some(c) if c.self_signed() => format!(": it signed itself ({})", c.subject),
                Some(c) => format!(": it was issued by {}", c.issuer),
                None => String::new(),
            };
            let summary = format!(
                "the certificate of {} comes from nobody whom the gateway trusts{by}",
                backend.address
            );
            let mut found = finding(
                scene,
                &backend,
                UNTRUSTED.cause,
                Confidence::Confirmed,
                summary,
                Some(line),
            );
            found = with_certificate(found, certificate);
            if let Some(file) = &backend.chain.upstream.tls.trusted {
                let what = format!("it trusts the authorities in {file}");
                found =
                    found.with(what, Origin::Config(backend.chain.upstream.place.clone()), None);
            }
            found.current = still_current(scene, backend.chain.gateway.loaded, line.at);
            Some(found.check(openssl(&backend.address, backend.name().as_deref())))
        })
        .collect()
}

/// HAProxy's log does not tell why a handshake failed, only that no connection came about (`SC`).
/// Where the server takes connections and handshakes and its certificate is for this name and
/// within its dates, what is left is who signed it.
fn unsaid<'a>(scene: &Scene<'a>, backend: &Backend<'_, 'a>) -> Option<Finding> {
    let chain = backend.chain;
    let upstream = chain.upstream;
    let haproxy = chain.gateway.kind == GatewayKind::Haproxy && upstream.tls_verify;
    if !haproxy || chain.state != PeerState::Up || chain.peers.len() != 1 {
        return None;
    }
    let certificate = backend.certificate()?;
    let now = scene.now();
    let named = upstream.tls.name.as_ref().is_none_or(|name| certificate.covers(name.raw()));
    if certificate.not_after < now || certificate.not_before > now || !named {
        return None;
    }
    let line = line(scene, chain, &["sym-connect-failed"])?;
    // A server that began since then was down when the line was written.
    let began = chain.peers.iter().flat_map(|p| &p.processes).filter_map(|p| p.started).max()?;
    if began >= line.at || !still_current(scene, chain.gateway.loaded, line.at) {
        return None;
    }
    let summary = format!(
        "{} takes connections, and haproxy, which verifies its certificate, has none: it was \
         issued by {}, whom haproxy may not trust",
        backend.address, certificate.issuer
    );
    let sure = Confidence::Likely;
    let mut found = finding(scene, backend, UNTRUSTED.cause, sure, summary, Some(line));
    found = with_certificate(found, Some(certificate));
    if let Some(file) = &upstream.tls.trusted {
        let what = format!("it trusts the authorities in {file}");
        found = found.with(what, Origin::Config(upstream.place.clone()), None);
    }
    Some(found.check(openssl(&backend.address, backend.name().as_deref())))
}

/// Whether a line says that the certificate is not valid yet (9), not that it has expired (10).
fn not_yet(line: &LogFact) -> bool {
    let text = line.text.raw();
    text.contains("(9:") || text.contains("not yet valid")
}

fn expired(scene: &Scene<'_>) -> Vec<Finding> {
    let in_step = scene.case.settings.as_ref().and_then(|s| s.clock_in_step);
    backends(scene)
        .filter_map(|backend| {
            let line = line(scene, backend.chain, &[EXPIRED.cause]);
            let certificate = backend.certificate();
            let over = certificate.filter(|c| c.not_after < scene.now());
            let early = certificate.filter(|c| c.not_before > scene.now());
            // A gateway that does not verify takes any date.
            let judged = backend.chain.upstream.tls_verify;
            let renewed = certificate
                .is_some_and(|c| c.not_after >= scene.now() && c.not_before <= scene.now());
            let soon = line.is_some_and(not_yet) || (line.is_none() && early.is_some());
            let sure = match (line, over.is_some() || early.is_some()) {
                (Some(_), _) if soon && in_step == Some(false) => Confidence::Possible,
                (Some(_), _) => Confidence::Confirmed,
                (None, true) if judged => Confidence::Confirmed,
                _ => return None,
            };
            let summary = match (soon, certificate) {
                (true, Some(c)) => format!(
                    "the certificate of {} is not valid before {}",
                    backend.address, c.not_before
                ),
                (true, None) => format!("the certificate of {} is not valid yet", backend.address),
                (false, Some(c)) if !renewed => {
                    format!("the certificate of {} expired at {}", backend.address, c.not_after)
                }
                _ => format!("the certificate of {} has expired", backend.address),
            };
            let mut found = finding(scene, &backend, EXPIRED.cause, sure, summary, line);
            found = with_certificate(found, certificate);
            if renewed {
                found = found.contra("its certificate is valid now", Origin::Probe, None);
                found.current = false;
            } else {
                found.current = over.is_some()
                    || early.is_some()
                    || line
                        .is_some_and(|l| still_current(scene, backend.chain.gateway.loaded, l.at));
            }
            Some(
                found.check(format!(
                    "{}; date",
                    openssl(&backend.address, backend.name().as_deref())
                )),
            )
        })
        .collect()
}

fn skew(scene: &Scene<'_>) -> Vec<Finding> {
    let in_step = scene.case.settings.as_ref().and_then(|s| s.clock_in_step);
    backends(scene)
        .filter_map(|backend| {
            let line = line(scene, backend.chain, &[EXPIRED.cause]).filter(|line| not_yet(line));
            let early = backend.certificate().filter(|c| c.not_before > scene.now());
            line.or_else(|| early.and(scene.lines_on(backend.chain).next_back()))?;
            let sure = match in_step {
                Some(false) => Confidence::Confirmed,
                None => Confidence::Possible,
                Some(true) => return None,
            };
            let summary = format!(
                "the clock of this host is behind: the certificate of {} seems to lie in the future",
                backend.address
            );
            let mut found = finding(scene, &backend, SKEW.cause, sure, summary, line);
            found = with_certificate(found, backend.certificate());
            if in_step == Some(false) {
                let what = "the kernel says that its clock is in step with no time server";
                found = found.with(what, Origin::Path("/proc".into()), None);
            }
            Some(found.check("timedatectl; chronyc tracking; compare date with another machine"))
        })
        .collect()
}

/// The certificate that a greeting with the name brings, when it is the right one.
fn named<'f>(facts: Option<&'f TlsFacts>, name: &str) -> Option<&'f TlsFacts> {
    let named = facts?.with_name.as_deref()?;
    let right = named.certificate.as_ref().is_some_and(|c| c.covers(name));
    (named.complete() && right).then_some(named)
}

fn name(scene: &Scene<'_>) -> Vec<Finding> {
    backends(scene)
        .filter_map(|backend| {
            let line = line(scene, backend.chain, &[NAME.cause]);
            let told = line.and_then(|l| l.captures.get("name")).map(|name| name.raw().to_owned());
            let wanted = told.filter(|name| !name.is_empty()).or_else(|| backend.name())?;
            let certificate = backend.certificate();
            let differs = certificate.is_some_and(|c| !c.covers(&wanted));
            let verifies = backend.chain.upstream.tls_verify;
            let sure = match (line, differs) {
                (Some(_), _) => Confidence::Confirmed,
                (None, true) if verifies => Confidence::Confirmed,
                _ => return None,
            };
            // With the name in its greeting it gets the right one: then that is what lacks.
            if !backend.chain.upstream.tls.sends_name && named(backend.facts, &wanted).is_some() {
                return None;
            }
            let is_for = certificate.map(|c| {
                c.names.iter().take(6).map(ToString::to_string).collect::<Vec<_>>().join(", ")
            });
            let summary = match &is_for {
                Some(names) if differs => format!(
                    "the certificate of {} is for {names}, and the gateway expects {wanted}",
                    backend.address
                ),
                _ => format!("the certificate of {} is not for {wanted}", backend.address),
            };
            let mut found = finding(scene, &backend, NAME.cause, sure, summary, line);
            found = with_certificate(found, certificate);
            found.subject.name = Some(wanted.as_str().into());
            found.current = differs && verifies
                || line.is_some_and(|l| still_current(scene, backend.chain.gateway.loaded, l.at));
            Some(found.check(openssl(&backend.address, Some(&wanted))))
        })
        .collect()
}

fn sni(scene: &Scene<'_>) -> Vec<Finding> {
    /// Ways in which a server refuses a greeting without a name.
    const REFUSALS: [&str; 5] = [
        "tls-sni-missing",
        "sym-tls-alert-handshake-failure",
        "tls-handshake-closed",
        "sym-tls-handshake-failed",
        "tls-name-mismatch",
    ];
    backends(scene)
        .filter_map(|backend| {
            let told = line(scene, backend.chain, &[SNI.cause]);
            let refused = line(scene, backend.chain, &REFUSALS);
            let says = backend.chain.upstream.tls.sends_name;
            let wanted = backend.name();
            let helps = wanted.as_ref().is_some_and(|name| named(backend.facts, name).is_some());
            let sure = match (told, refused, helps) {
                (Some(_), _, _) => Confidence::Confirmed,
                (None, Some(_), true) if !says => Confidence::Confirmed,
                _ => return None,
            };
            let name = wanted.as_deref().unwrap_or("the name of the server");
            let summary = if says {
                format!("{} does not know the name that the gateway says ({name})", backend.address)
            } else {
                format!(
                    "{} wants to be told {name} in the TLS greeting, and the gateway does not",
                    backend.address
                )
            };
            let mut found = finding(scene, &backend, SNI.cause, sure, summary, told.or(refused));
            if helps {
                let what = format!("with {name} in the greeting a handshake succeeds");
                found = found.with(what, Origin::Probe, None);
            }
            if !says {
                let what = "proxy_ssl_server_name is off, the default";
                found =
                    found.with(what, Origin::Config(backend.chain.upstream.place.clone()), None);
            }
            found.current = helps
                || told.is_some_and(|l| still_current(scene, backend.chain.gateway.loaded, l.at));
            Some(found.check(openssl(&backend.address, wanted.as_deref())))
        })
        .collect()
}

fn version(scene: &Scene<'_>) -> Vec<Finding> {
    backends(scene)
        .filter_map(|backend| {
            let told = line(scene, backend.chain, &[VERSION.cause]);
            let alert = line(scene, backend.chain, &["sym-tls-alert-handshake-failure"]);
            let facts = backend.facts;
            // A server that refuses us as well, and asks for no certificate, has nothing in common
            // with TLS 1.2 and 1.3 as they are usual.
            let old = facts.is_some_and(|f| f.alert == Some(PROTOCOL_VERSION));
            let agrees = facts.is_some_and(TlsFacts::complete);
            let refuses = facts.is_some_and(|f| {
                f.alert == Some(HANDSHAKE_FAILURE)
                    && !f.asks_certificate
                    && !f.with_name.as_deref().is_some_and(TlsFacts::complete)
            });
            let limited = backend.chain.upstream.tls.protocols.is_some();
            let sure = match (told, alert) {
                (Some(_), _) => Confidence::Confirmed,
                (None, Some(_)) if old => Confidence::Confirmed,
                (None, Some(_)) if refuses => Confidence::Likely,
                (None, Some(_)) if agrees && limited && !facts.is_some_and(|f| f.asks_certificate) => {
                    Confidence::Likely
                }
                _ => return None,
            };
            let protocols = backend.chain.upstream.tls.protocols.as_ref();
            let summary = match (facts.and_then(|f| f.version.as_ref()), protocols) {
                (Some(version), Some(own)) => format!(
                    "{} speaks {version}, and the gateway may speak {own} only: they share no version or cipher",
                    backend.address
                ),
                _ => format!("{} and the gateway share no TLS version or cipher", backend.address),
            };
            let mut found = finding(scene, &backend, VERSION.cause, sure, summary, told.or(alert));
            if old {
                let what = "it refuses TLS 1.2 and 1.3 (alert 70, protocol version)";
                found = found.with(what, Origin::Probe, None);
            } else if let Some(version) = facts.and_then(|f| f.version.as_ref()).filter(|_| agrees) {
                found = found.with(format!("a handshake in {version} succeeds"), Origin::Probe, None);
            }
            if let Some(own) = protocols {
                let what = format!("the gateway's versions: {own}");
                found = found.with(what, Origin::Config(backend.chain.upstream.place.clone()), None);
            }
            let last = told.or(alert);
            found.current =
                old || last.is_some_and(|l| still_current(scene, backend.chain.gateway.loaded, l.at));
            Some(found.check(format!("openssl s_client -connect {} -tls1_2 (and -tls1_3)", backend.address)))
        })
        .collect()
}

fn client(scene: &Scene<'_>) -> Vec<Finding> {
    /// Ways in which a server ends a handshake for want of a certificate.
    const REFUSALS: [&str; 3] =
        ["sym-tls-alert-handshake-failure", "sym-closed-before-header", "sym-reset-before-header"];
    backends(scene)
        .filter_map(|backend| {
            let told = line(scene, backend.chain, &[CLIENT.cause]);
            let refused = line(scene, backend.chain, &REFUSALS);
            let asks = backend.facts.is_some_and(|f| f.asks_certificate);
            let insists = backend.facts.is_some_and(|f| {
                f.alert == Some(CERTIFICATE_REQUIRED)
                    || f.asks_certificate && f.alert == Some(HANDSHAKE_FAILURE)
            });
            let own = backend.chain.upstream.tls.certificate.as_ref();
            let sure = match (told, refused) {
                (Some(_), _) => Confidence::Confirmed,
                (None, Some(_)) if insists && own.is_none() => Confidence::Confirmed,
                // Many servers ask and take none.
                (None, Some(l))
                    if asks
                        && own.is_none()
                        && l.signature == *"sym-tls-alert-handshake-failure" =>
                {
                    Confidence::Likely
                }
                _ => return None,
            };
            let summary = match own {
                Some(file) => format!(
                    "{} does not take the certificate that the gateway shows ({file})",
                    backend.address
                ),
                None => format!(
                    "{} wants a certificate of its client, and the gateway shows none",
                    backend.address
                ),
            };
            let last = told.or(refused);
            let mut found = finding(scene, &backend, CLIENT.cause, sure, summary, last);
            if asks {
                let what = if insists {
                    "it asked us for a certificate and refused us without one"
                } else {
                    "it asked us for a certificate"
                };
                found = found.with(what, Origin::Probe, None);
            }
            found.current = insists && own.is_none()
                || last.is_some_and(|l| still_current(scene, backend.chain.gateway.loaded, l.at));
            Some(found.check(openssl(&backend.address, backend.name().as_deref())))
        })
        .collect()
}

fn closed(scene: &Scene<'_>) -> Vec<Finding> {
    backends(scene)
        .filter_map(|backend| {
            let line = line(scene, backend.chain, &[CLOSED.cause])?;
            let answer = backend
                .chain
                .peers
                .iter()
                .find_map(|p| p.probe.and_then(|probe| probe.tls.as_ref()));
            let summary =
                format!("{} hangs up in the middle of the TLS handshake", backend.address);
            let mut found =
                finding(scene, &backend, CLOSED.cause, Confidence::Confirmed, summary, Some(line));
            if let Some(words) = answer.map(answer_words) {
                found = found.with(words, Origin::Probe, None);
            }
            found.current = still_current(scene, backend.chain.gateway.loaded, line.at);
            Some(found.check(openssl(&backend.address, backend.name().as_deref())))
        })
        .collect()
}

fn timeout(scene: &Scene<'_>) -> Vec<Finding> {
    backends(scene)
        .filter_map(|backend| {
            let line = line(scene, backend.chain, &[TIMEOUT.cause])?;
            let answer = backend.chain.peers.iter().find_map(|p| p.probe.and_then(|probe| probe.tls.as_ref()));
            let summary = format!(
                "{} takes the connection and does not answer the TLS greeting: the gateway answers 504",
                backend.address
            );
            let mut found = finding(scene, &backend, TIMEOUT.cause, Confidence::Confirmed, summary, Some(line));
            if let Some(words) = answer.map(answer_words) {
                found = found.with(words, Origin::Probe, None);
            }
            found.current = still_current(scene, backend.chain.gateway.loaded, line.at);
            Some(found.check("does it speak TLS at all? openssl s_client -connect ADDRESS"))
        })
        .collect()
}

const fn answer_words(answer: &TlsAnswer) -> &'static str {
    match answer {
        TlsAnswer::Tls => "a TLS greeting of ours was answered in TLS",
        TlsAnswer::Alert(_) => "a TLS greeting of ours was refused with an alert",
        TlsAnswer::PlainHttp => "a TLS greeting of ours was answered in plain HTTP",
        TlsAnswer::Closed => "on a TLS greeting of ours it hung up as well",
        TlsAnswer::Silent => "a TLS greeting of ours got no answer either",
        TlsAnswer::Other(_) => "a TLS greeting of ours was answered in neither TLS nor HTTP",
    }
}
