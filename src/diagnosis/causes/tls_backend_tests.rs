//! Tests of what the handshakes with upstreams prove.

use crate::{
    diagnosis::{
        Confidence,
        testing::{Host, ago},
        testing_haproxy::balancer,
    },
    observation::{
        CertificateFacts, ConfiguredUpstream, ProbeOutcome, Protocol, TlsAnswer, TlsFacts,
    },
};

const AT: &str = "api.internal:8443";
const IP: &str = "127.0.0.1:8443";

fn host_with(change: impl FnOnce(&mut ConfiguredUpstream)) -> Host {
    let found = crate::observation::ResolutionOutcome::Found(vec![[127, 0, 0, 1].into()]);
    Host::new()
        .upstream_with(AT, |u| {
            u.protocol = Protocol::Https;
            u.tls_verify = true;
            change(u);
        })
        .serves("api.service", IP, 100)
        .resolves("api.internal", None, found)
}

fn host() -> Host {
    host_with(|_| {})
}

fn certificate(names: &[&str]) -> CertificateFacts {
    CertificateFacts {
        subject: "CN=api.internal".into(),
        issuer: "CN=Lab Authority".into(),
        names: names.iter().map(|n| (*n).into()).collect(),
        not_before: ago(86_400),
        not_after: ago(-86_400),
    }
}

trait Shaken {
    fn shaken(self, change: impl FnOnce(&mut TlsFacts)) -> Host;
    fn shaking(self, words: &str) -> Host;
}

impl Shaken for Host {
    /// A handshake with the address behind the name.
    fn shaken(self, change: impl FnOnce(&mut TlsFacts)) -> Host {
        self.handshake_with(AT, IP, |facts| {
            facts.certificate = Some(certificate(&["api.internal"]));
            change(facts);
        })
    }

    fn shaking(self, words: &str) -> Host {
        self.nginx(10, &format!("{words} while SSL handshaking to upstream"), IP)
    }
}

const VERIFY: &str = "upstream SSL certificate verify error: ";

#[test]
fn a_certificate_of_an_unknown_authority_is_told_with_its_issuer() {
    let host = host()
        .shaken(|_| {})
        .shaking(&format!("{VERIFY}(20:unable to get local issuer certificate)"));
    host.incident("tls-untrusted-ca", Confidence::Confirmed, "api.internal");
    assert!(host.root("tls-untrusted-ca").summary.contains("CN=Lab Authority"));
}

#[test]
fn a_certificate_that_expired_is_told_with_its_end() {
    let old = |host: Host| {
        host.shaken(|f| {
            if let Some(c) = &mut f.certificate {
                c.not_after = ago(3_600);
            }
        })
    };
    let told = old(host()).shaking(&format!("{VERIFY}(10:certificate has expired)"));
    told.incident("tls-cert-expired", Confidence::Confirmed, "api.internal");
    told.spares("tls-untrusted-ca");
    assert_eq!(old(host()).root("tls-cert-expired").confidence, Confidence::Confirmed);
    old(host_with(|u| u.tls_verify = false)).spares("tls-cert-expired");
}

#[test]
fn a_certificate_that_was_renewed_since_is_no_present_trouble() {
    let host = host().shaken(|_| {}).shaking(&format!("{VERIFY}(10:certificate has expired)"));
    assert!(host.diagnose().findings.iter().all(|f| f.cause != "tls-cert-expired"));
}

#[test]
fn a_certificate_of_the_future_is_a_matter_of_the_clock_when_that_is_out_of_step() {
    let early = |in_step: Option<bool>| {
        host()
            .settings(|s| s.clock_in_step = in_step)
            .shaken(|f| {
                if let Some(c) = &mut f.certificate {
                    c.not_before = ago(-3_600);
                }
            })
            .shaking(&format!("{VERIFY}(9:certificate is not yet valid)"))
    };
    early(Some(false)).incident("clock-skew", Confidence::Confirmed, "api.internal");
    early(Some(true)).root("tls-cert-expired");
    early(Some(true)).spares("clock-skew");
    early(None).root("tls-cert-expired");
}

#[test]
fn a_certificate_for_another_name_is_told_with_both_names() {
    let host = host()
        .shaken(|f| f.certificate = Some(certificate(&["shop.internal"])))
        .shaking("upstream SSL certificate does not match \"api.internal\"");
    host.incident("tls-name-mismatch", Confidence::Confirmed, "api.internal");
    let found = host.root("tls-name-mismatch");
    assert!(found.summary.contains("is for shop.internal"), "{}", found.summary);
}

#[test]
fn a_server_that_answers_by_name_misses_the_name_in_the_greeting() {
    let by_name = |host: Host| {
        host.shaken(|f| {
            f.certificate = Some(certificate(&["default.invalid"]));
            f.with_name = Some(Box::new(TlsFacts {
                version: Some("TLSv1.3".into()),
                certificate: Some(certificate(&["api.internal"])),
                ..TlsFacts::default()
            }));
        })
        .shaking("upstream SSL certificate does not match \"api.internal\"")
    };
    by_name(host()).root("tls-sni-missing");
    by_name(host_with(|u| u.tls.sends_name = true)).root("tls-name-mismatch");
}

#[test]
fn an_unrecognized_name_is_the_servers_own_word() {
    let host = host().shaking("SSL_do_handshake() failed (SSL: error:0A000458:SSL routines::tlsv1 unrecognized name:SSL alert number 112)");
    host.incident("tls-sni-missing", Confidence::Confirmed, "api.internal");
}

const ALERT_40: &str = "SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40)";

#[test]
fn versions_that_do_not_meet_are_told_with_both_sides() {
    let told = host_with(|u| u.tls.protocols = Some("TLSv1.1".into()))
        .shaken(|_| {})
        .shaking("SSL_do_handshake() failed (SSL: error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70)");
    told.incident("tls-version-or-cipher", Confidence::Confirmed, "api.internal");
    assert!(told.root("tls-version-or-cipher").summary.contains("may speak TLSv1.1 only"));
}

#[test]
fn a_handshake_failure_is_a_missing_certificate_where_one_is_asked_for() {
    let asked = |insists: bool| {
        host()
            .shaken(|f| {
                f.asks_certificate = true;
                f.alert = insists.then_some(116);
            })
            .shaking(ALERT_40)
    };
    asked(true).incident("tls-client-cert-required", Confidence::Confirmed, "api.internal");
    assert_eq!(asked(false).root("tls-client-cert-required").confidence, Confidence::Likely);
    asked(true).spares("tls-version-or-cipher");
    let not_asked = host().shaken(|f| f.alert = Some(40)).shaking(ALERT_40);
    assert_eq!(not_asked.root("tls-version-or-cipher").confidence, Confidence::Likely);
    not_asked.spares("tls-client-cert-required");
}

#[test]
fn a_server_that_hangs_up_or_is_silent_is_told_as_such() {
    let closed = host()
        .probe_of(AT, IP, ProbeOutcome::Connected, Some(TlsAnswer::Tls))
        .shaking("peer closed connection in SSL handshake");
    closed.incident("tls-handshake-closed", Confidence::Confirmed, "api.internal");
    let silent = host()
        .probe_of(AT, IP, ProbeOutcome::Connected, Some(TlsAnswer::Tls))
        .shaking("upstream timed out (110: Connection timed out)");
    silent.incident("tls-handshake-timeout", Confidence::Confirmed, "api.internal");
}

#[test]
fn a_plain_port_is_no_trouble_with_certificates() {
    let plain = host()
        .probe_of(AT, IP, ProbeOutcome::Connected, Some(TlsAnswer::Silent))
        .shaking("upstream timed out (110: Connection timed out)");
    plain.root("tls-to-plain-port");
}

#[test]
fn a_good_handshake_is_no_finding() {
    let good = host().shaken(|_| {}).traffic(1, 200, 9);
    assert!(good.diagnose().findings.is_empty(), "{:#?}", good.diagnose().findings);
}

/// HAProxy, which says only that no connection came about.
fn silent(change: impl FnOnce(&mut ConfiguredUpstream)) -> Host {
    let mut host = balancer("vault", &[IP]);
    let upstream = &mut host.config.upstreams[0];
    upstream.protocol = Protocol::Https;
    upstream.tls_verify = true;
    change(upstream);
    host.process(100, "nginx", "vault.service")
        .listens(IP, 100)
        .haproxy_request(10, "vault/s1", 503, "SC--")
}

fn signed(facts: &mut TlsFacts) {
    facts.certificate = Some(certificate(&["api.internal"]));
}

#[test]
fn a_verified_handshake_that_haproxy_keeps_silent_about_points_at_the_authority() {
    let host = silent(|_| {}).handshake_with(IP, IP, signed);
    assert_eq!(host.root("tls-untrusted-ca").confidence, Confidence::Likely);
    silent(|u| u.tls_verify = false).handshake_with(IP, IP, signed).spares("tls-untrusted-ca");
    silent(|u| u.tls.name = Some("other.internal".into()))
        .handshake_with(IP, IP, signed)
        .spares("tls-untrusted-ca");
    silent(|_| {})
        .handshake_with(IP, IP, |facts| {
            signed(facts);
            facts.certificate.as_mut().unwrap().not_after = ago(60);
        })
        .spares("tls-untrusted-ca");
}
