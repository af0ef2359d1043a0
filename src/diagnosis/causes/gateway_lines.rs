//! Causes that the gateway's own log line proves by itself, one row each: what it says of an
//! upstream, or of itself.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene, words::CauseText},
    evidence::{LogFact, topology::Chain},
    observation::{Gateway, GatewayKind, Origin},
};

use super::{
    behind,
    by_upstream_line::{self, still_current},
    haproxy_refused,
};

/// One such cause.
struct Row {
    /// Cause, which is also the id of its lines.
    cause: &'static str,
    /// What happens, after the address or the name of the gateway.
    says: &'static str,
    /// Fewer lines within the incident prove nothing: clients cause single ones on healthy hosts.
    least: usize,
}

const fn row(cause: &'static str, says: &'static str) -> Row {
    Row { cause, says, least: 1 }
}

static ROWS: [Row; 16] = [
    Row {
        cause: "auth-subrequest-failed-500",
        says: "refuses requests with 500 because the service that checks the login fails",
        least: 1,
    },
    row("php-max-execution-time", "runs PHP scripts into max_execution_time"),
    row("php-memory-limit", "runs PHP scripts into memory_limit"),
    row("protocol-ajp-mismatch", "does not speak AJP, in which the gateway asks"),
    row("protocol-fcgi-to-http", "answers in HTTP what the gateway asks in FastCGI"),
    row("protocol-grpc-to-http1", "answers in HTTP/1 what the gateway asks in gRPC (HTTP/2)"),
    row("proxy-rate-limit-503", "turns requests away itself: its own limit is reached"),
    row("proxy-send-timeout", "does not read the request: the gateway gave up sending it"),
    row("proxy-url-invalid", "is given something by a variable that is no address: it answers 500"),
    row("proxy-worker-connections", "has no free connection slot: worker_connections is reached"),
    row("proxy-worker-killed", "lost a worker, and with it every request that it carried"),
    Row {
        cause: "request-body-too-large-413",
        says: "refuses uploads with 413: they are larger than client_max_body_size",
        least: 3,
    },
    row("response-framing-conflict", "contradicts itself about the length of its answers"),
    row("response-header-invalid", "sends headers that are none"),
    row("response-not-http", "sends something that is not HTTP"),
    row("unexpected-upgrade", "switches protocols without having been asked to"),
];

/// Ids of these causes.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.cause)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    ROWS.iter()
        .flat_map(|row| {
            let mut found = on_upstreams(scene, row);
            found.extend(scene.gateways().filter_map(|gateway| on_gateway(scene, gateway, row)));
            found
        })
        .chain(haproxy_refused::judge(scene))
        .collect()
}

/// Whether a line says what the row does: HAProxy's flags for an answer that it refused stand for
/// several reasons.
fn tells(row: &Row, kind: GatewayKind) -> bool {
    row.cause != "response-header-invalid" || kind != GatewayKind::Haproxy
}

fn on_upstreams(scene: &Scene<'_>, row: &Row) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        row.cause,
        &[row.cause],
        Confidence::Confirmed,
        |address, n| format!("{address} {} ({n} times)", row.says),
    );
    found.retain(|finding| count(scene, row, finding) >= row.least);
    found.retain(|finding| {
        let mut chains = scene.chains_of(&finding.subject.upstreams);
        chains.all(|chain| tells(row, chain.gateway.kind))
    });
    for finding in &mut found {
        finding.next_check = check(row);
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        if row.cause.starts_with("protocol-") {
            finding.evidence.push(asked_here(chain));
        }
        for process in chain.peers.iter().flat_map(|p| &p.processes).take(1) {
            finding.evidence.push(Evidence {
                what: format!(
                    "{} there is {} ({}), asked in {}",
                    chain.upstream.written,
                    process.name,
                    process.pid,
                    chain.upstream.protocol.as_str()
                ),
                origin: Origin::Process(process.pid),
                at: None,
            });
        }
    }
    found
}

/// Where the protocol is chosen.
pub(super) fn asked_here(chain: &Chain<'_>) -> Evidence {
    Evidence {
        what: format!("the gateway is told here what to speak: {}", chain.upstream.written),
        origin: Origin::Config(chain.upstream.place.clone()),
        at: None,
    }
}

fn count(scene: &Scene<'_>, row: &Row, finding: &Finding) -> usize {
    let own = scene.chains_of(&finding.subject.upstreams);
    own.map(|chain| scene.facts_on(chain, &[row.cause]).count()).sum()
}

fn on_gateway(scene: &Scene<'_>, gateway: &Gateway, row: &Row) -> Option<Finding> {
    let ids = [row.cause];
    let facts: Vec<&LogFact> = scene
        .facts(&ids)
        .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id) && fact.program.is_gateway())
        .filter(|fact| {
            let tied = |a| !behind::is_of_no_chain(scene, gateway, a);
            !fact.address.as_ref().is_some_and(tied)
        })
        .collect();
    let (first, last) = (facts.first()?, facts.last()?);
    if facts.len() < row.least || !tells(row, gateway.kind) {
        return None;
    }
    let who = gateway.kind.as_str();
    let mut finding = Finding::new(
        row.cause,
        Confidence::Confirmed,
        format!("{who} {} ({} times)", row.says, facts.len()),
    )
    .with_some(Some(Scene::quote(last)))
    .since(Some(first.at));
    finding.subject.gateway = Some(gateway.id.clone());
    finding.subject.upstreams = beside(scene, gateway, row, &facts);
    finding.current = still_current(scene, gateway.loaded, last.at);
    finding.next_check = check(row);
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    for request in facts.iter().filter_map(|f| f.request.as_ref()) {
        *requests.entry(request.to_string()).or_default() += 1;
    }
    if let Some((request, n)) = requests.iter().max_by_key(|(_, n)| **n) {
        finding =
            finding.with(format!("most often {request} ({n} times)"), last.origin.clone(), None);
    }
    Some(finding)
}

/// The upstreams of a subrequest that failed with the request: the line about the request itself
/// names none.
fn beside(
    scene: &Scene<'_>,
    gateway: &Gateway,
    row: &Row,
    facts: &[&LogFact],
) -> Vec<crate::observation::UpstreamId> {
    if row.cause != "auth-subrequest-failed-500" {
        return Vec::new();
    }
    let near = |fact: &LogFact| facts.iter().any(|f| f.at.since(fact.at).as_secs().abs() <= 1);
    let subrequest = |fact: &&LogFact| {
        fact.gateway.as_ref() == Some(&gateway.id)
            && fact.text.raw().contains(", subrequest: \"")
            && near(fact)
    };
    let lines: Vec<&LogFact> =
        scene.case.logs.since(scene.incident.window).filter(subrequest).collect();
    let asked = |fact: &&LogFact, chain: &Chain<'_>| {
        fact.address.as_ref().is_some_and(|a| chain.has_address(a))
    };
    scene
        .chains
        .iter()
        .filter(|c| c.gateway.id == gateway.id && lines.iter().any(|f| asked(f, c)))
        .map(|c| c.upstream.id.clone())
        .collect()
}

fn check(row: &Row) -> Option<String> {
    CauseText::get(row.cause).map(|text| text.next_check.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, ago, gateway_id, unit},
        observation::{LogLine, Program, Protocol, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    /// A line of nginx, as it writes it, of every row that nginx can write.
    const LINES: [(&str, &str); 9] = [
        (
            "protocol-fcgi-to-http",
            "upstream sent unsupported FastCGI protocol version: 72 while reading response header from upstream",
        ),
        (
            "protocol-grpc-to-http1",
            "upstream sent too large http2 frame: 4740180 while reading response header from upstream",
        ),
        (
            "proxy-send-timeout",
            "upstream timed out (110: Connection timed out) while sending request to upstream",
        ),
        (
            "php-memory-limit",
            r#"FastCGI sent in stderr: "PHP message: PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /srv/x.php on line 3" while reading response header from upstream"#,
        ),
        (
            "php-max-execution-time",
            r#"FastCGI sent in stderr: "PHP message: PHP Fatal error:  Maximum execution time of 30 seconds exceeded in /srv/x.php on line 3" while reading response header from upstream"#,
        ),
        (
            "proxy-worker-connections",
            "512 worker_connections are not enough while connecting to upstream",
        ),
        (
            "response-framing-conflict",
            r#"upstream sent duplicate header line: "Content-Length: 5", previous value: "Content-Length: 4" while reading response header from upstream"#,
        ),
        (
            "response-header-invalid",
            r#"upstream sent invalid header: "X y: 1\x0d..." while reading response header from upstream"#,
        ),
        (
            "response-not-http",
            "upstream sent no valid HTTP/1.0 header while reading response header from upstream",
        ),
    ];

    #[test]
    fn what_nginx_says_of_an_upstream_is_confirmed_for_this_upstream_alone() {
        let other = "127.0.0.1:9000";
        for (cause, line) in LINES {
            let host = Host::passing_to(AT)
                .upstream(other)
                .serves("shop.service", AT, 100)
                .serves("blog.service", other, 200)
                .nginx(10, line, AT);
            let found = host.root(cause);
            assert_eq!(found.confidence, Confidence::Confirmed, "{cause}");
            assert_eq!(found.subject.upstreams.len(), 1, "{cause}");
            assert!(found.summary.starts_with(AT), "{}", found.summary);
            host.incident(cause, Confidence::Confirmed, r"127\.0\.0\.1:8000");
        }
    }

    #[test]
    fn a_reload_since_the_last_line_may_have_cured_it() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .gateway(|g| g.loaded = Some(ago(20)))
            .nginx(40, LINES[0].1, AT);
        assert!(host.diagnose().findings.is_empty());
    }

    #[test]
    fn a_dead_php_fpm_is_no_protocol_mistake() {
        let host = Host::new()
            .upstream_with(AT, |u| u.protocol = Protocol::Fastcgi)
            .unit(unit("php8.2-fpm.service").claims(AT).stopped(60))
            .refused(10, AT);
        host.spares("protocol-fcgi-to-http");
        host.root("app-unit-stopped");
    }

    #[test]
    fn nginx_that_limits_requests_is_no_overload_behind_it() {
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).nginx_line(
            10,
            r#"limiting requests, excess: 5.520 by zone "perip", client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#,
        );
        host.incident("proxy-rate-limit-503", Confidence::Confirmed, "nginx");
        let found = host.root("proxy-rate-limit-503");
        assert!(found.subject.upstreams.is_empty() && found.subject.gateway.is_some());
    }

    const UPLOAD: &str = r#"client intended to send too large body: 2000000 bytes, client: 10.0.0.9, server: shop.lan, request: "POST /up HTTP/1.1", host: "shop.lan""#;

    #[test]
    fn one_upload_too_large_is_the_clients_own_affair_and_many_are_a_limit() {
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).nginx_line(10, UPLOAD);
        host.spares("request-body-too-large-413");
        let many = host.nginx_line(9, UPLOAD).nginx_line(8, UPLOAD);
        many.incident("request-body-too-large-413", Confidence::Confirmed, "nginx");
        let found = many.root("request-body-too-large-413");
        assert!(found.evidence.iter().any(|e| e.what.contains("POST /up")));
    }

    #[test]
    fn a_failed_login_service_names_the_upstream_that_failed_with_it() {
        let auth = "127.0.0.1:9000";
        let host = Host::passing_to(AT)
            .upstream(auth)
            .serves("shop.service", AT, 100)
            .unit(unit("auth.service").claims(auth).stopped(60))
            .nginx_line(10, &format!(r#"connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", subrequest: "/auth", upstream: "http://{auth}/auth", host: "shop.lan""#))
            .nginx_line(10, r#"auth request unexpected status: 502 while sending to client, client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#);
        let stopped = host.root("app-unit-stopped");
        let all = host.diagnose().findings;
        let login = all.iter().find(|f| f.cause == "auth-subrequest-failed-500");
        assert_eq!(login.map(|f| &f.subject.upstreams), Some(&stopped.subject.upstreams));
    }

    #[test]
    fn a_login_service_that_answers_with_an_error_itself_is_told_as_such() {
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).nginx_line(
            10,
            r#"auth request unexpected status: 500 while sending to client, client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#,
        );
        host.incident("auth-subrequest-failed-500", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn a_worker_that_was_killed_is_told_of_the_gateway() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx_line(10, "worker process 11 exited on signal 9");
        host.incident("proxy-worker-killed", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn a_variable_that_is_no_address_is_told_of_the_gateway() {
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).nginx_line(
            10,
            r#"invalid URL prefix in "", client: 10.0.0.9, server: shop.lan, request: "GET /v HTTP/1.1", host: "shop.lan""#,
        );
        host.incident("proxy-url-invalid", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn what_apache_says_of_itself_is_told_of_apache() {
        let lines = [
            (
                "protocol-ajp-mismatch",
                "[Fri Nov 20 13:59:50.000000 2026] [proxy_ajp:error] [pid 10:tid 11] AH01080: ajp_msg_check_header() got bad signature 4854",
            ),
            (
                "unexpected-upgrade",
                "[Fri Nov 20 13:59:50.000000 2026] [proxy:error] [pid 10:tid 11] [client 10.0.0.9:5] AH00898: Unexpected Upgrade returned by /ws",
            ),
        ];
        for (cause, text) in lines {
            let line = LogLine {
                program: Program::Apache,
                origin: Origin::File("/var/log/apache2/error.log".into()),
                gateway: Some(gateway_id()),
                at: Some(ago(10)),
                text: text.into(),
            };
            let host = Host::passing_to(AT)
                .gateway(|g| g.kind = GatewayKind::Apache)
                .serves("shop.service", AT, 100)
                .sees(SourceId::Logs, Seen::Log(line));
            // The only backend of that protocol is the one that is meant.
            let told = host.root(cause).summary;
            let whose = if cause == "unexpected-upgrade" { AT } else { "apache" };
            assert!(told.starts_with(whose), "{cause}: {told}");
            host.incident(cause, Confidence::Confirmed, "nginx.conf|8000");
        }
    }
}
