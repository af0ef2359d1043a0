//! The upstream itself sent the error; the gateway only passed it on.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, FindingSubject, Scene},
    evidence::topology::{Chain, PeerState},
    observation::{AccessEntry, Address, GatewayKind, Origin, Protocol, Route},
};

use super::{proxy_own_answer::answer_of, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "upstream-sent-5xx", judge };

/// An error line belongs to a request when it is at most this far from its access record, which
/// carries the time of the end.
const NEAR_SECS: i64 = 2;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let entries: Vec<&AccessEntry> = scene
            .case
            .access
            .entries
            .iter()
            .filter(|e| e.gateway == gateway.id && e.at >= scene.incident.window)
            .filter(|e| matches!(e.status, 500..=599))
            .collect();
        let (told, silent): (Vec<&AccessEntry>, Vec<&AccessEntry>) = entries
            .iter()
            .partition(|e| e.upstream_status.is_some() || passed_by_flags(e).is_some());
        let passed: Vec<&AccessEntry> = told.into_iter().filter(|e| was_passed(scene, e)).collect();
        // A format without $upstream_status: a failure without a line in the error log.
        let unexplained: Vec<&AccessEntry> = silent
            .into_iter()
            .filter(|e| matches!(e.status, 502..=504) || is_apaches(scene, e))
            .filter(|e| scene.reads_error_log(&gateway.id) && !has_error_line(scene, e))
            .filter(|e| answer_of(scene, e).is_none())
            .collect();
        // What cannot answer was not the one that answered.
        let another_fits = scene.chains.iter().any(|c| c.state != PeerState::Up);
        let (list, sure) = if passed.is_empty() {
            let sure = if another_fits { Confidence::Possible } else { Confidence::Likely };
            (unexplained, sure)
        } else {
            (passed, Confidence::Confirmed)
        };
        let Some(newest) = list.last().copied() else { continue };
        found.push(finding(scene, gateway, &list, newest, sure));
    }
    found
}

/// A 500 through Apache without a line of its own came from behind, where something is behind at
/// all; only its uwsgi module keeps silent when the backend breaks off.
fn is_apaches(scene: &Scene<'_>, entry: &AccessEntry) -> bool {
    let kind = scene.case.gateways.get(&entry.gateway).map(|gateway| gateway.kind);
    let behind = || senders(scene, entry);
    kind == Some(GatewayKind::Apache)
        && !behind().is_empty()
        && behind().iter().all(|chain| chain.upstream.protocol != Protocol::Uwsgi)
}

fn finding(
    scene: &Scene<'_>,
    gateway: &crate::observation::Gateway,
    list: &[&AccessEntry],
    newest: &AccessEntry,
    sure: Confidence,
) -> Finding {
    let senders = senders(scene, newest);
    let chain = if senders.len() == 1 { senders.first().copied() } else { None };
    // Without $upstream_status the conclusion is by elimination; it is proven when the one
    // upstream that the request went to is up and nothing else could have answered.
    let all_up = !senders.is_empty() && senders.iter().all(|c| c.state == PeerState::Up);
    let confidence = match sure {
        Confidence::Likely if all_up => Confidence::Confirmed,
        sure => sure,
    };
    let named: Vec<String> = senders.iter().map(|c| name(c)).collect();
    let who = match named.as_slice() {
        [] => "the upstream".to_owned(),
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    };
    let summary = format!(
        "{who} itself answers {}: the gateway passes it on, look one hop further ({} requests)",
        newest.status,
        list.len()
    );
    let mut finding =
        Finding::new(RULE.cause, confidence, summary).since(list.first().map(|e| e.at));
    finding.subject = match chain {
        Some(chain) => scene.subject_of(chain),
        None => FindingSubject {
            upstreams: senders.iter().map(|c| c.upstream.id.clone()).collect(),
            candidates: senders.iter().filter_map(|c| c.upstream.address.clone()).collect(),
            ..FindingSubject::default()
        },
    };
    finding.subject.gateway = Some(gateway.id.clone());
    finding.current = super::by_upstream_line::still_current(scene, None, newest.at);
    let told = newest
        .upstream_status
        .as_ref()
        .map(|s| format!(", upstream status {s}"))
        .unwrap_or_default();
    finding.evidence.push(Evidence {
        what: format!("{} was answered {}{told}", newest.request, newest.status),
        origin: Origin::File(newest.log.clone()),
        at: Some(newest.at),
    });
    if newest.upstream_status.is_none() {
        finding.evidence.push(Evidence {
            what: "the gateway's error log has no line for it".to_owned(),
            origin: Origin::File(newest.log.clone()),
            at: None,
        });
    }
    if let Some(chain) = chain.filter(|c| c.state == PeerState::Up) {
        finding.evidence.push(Evidence {
            what: format!("{who} accepts connections"),
            origin: Origin::Config(chain.upstream.place.clone()),
            at: None,
        });
    }
    finding.next_check =
        Some(format!("read the log of {who}; nothing on the gateway makes this status"));
    finding
}

/// A status that was passed on stands in `$upstream_status` too, and nothing in the error log: the
/// gateway writes 502 and 504 there also for the failures that it noticed itself. `-` means that
/// no upstream was asked; a list means retries, of which the last counts.
pub(super) fn was_passed(scene: &Scene<'_>, entry: &AccessEntry) -> bool {
    if let Some(passed) = passed_by_flags(entry) {
        return passed;
    }
    let Some(told) = &entry.upstream_status else { return false };
    let last = told.raw().rsplit([',', ':']).next().unwrap_or_default().trim();
    last.parse() == Ok(entry.status) && !has_error_line(scene, entry)
}

/// What the flags of a request say of who made its status: HAProxy's two dashes stand where nothing
/// went wrong on its side, Envoy writes no flags then. `None` where there are no flags to say it.
fn passed_by_flags(entry: &AccessEntry) -> Option<bool> {
    match entry.gateway.kind()? {
        GatewayKind::Haproxy => Some(entry.flags.as_ref()?.raw().starts_with("--")),
        GatewayKind::Envoy if entry.upstream_addr.is_some() => Some(entry.flags.is_none()),
        _ => None,
    }
}

pub(super) fn has_error_line(scene: &Scene<'_>, entry: &AccessEntry) -> bool {
    // A line about an address to which this request did not go is another request's.
    let told: Option<Vec<Address>> = entry.upstream_addr.as_ref().and_then(|all| {
        all.raw().split(", ").flat_map(|a| a.split(" : ")).map(|a| Address::parse(a, 80)).collect()
    });
    let foreign = |at: &Address| told.as_ref().is_some_and(|all| !all.contains(at));
    let lasts = lasts_secs(scene, entry);
    scene.case.logs.facts.iter().any(|fact| {
        let after = fact.at.since(entry.at).as_secs();
        fact.gateway.as_ref() == Some(&entry.gateway)
            && (after.abs() <= NEAR_SECS
                || ((0..=lasts).contains(&after) && !is_of_another(fact.text.raw(), entry)))
            && fact.signature != *"upstream-sent-5xx"
            && !fact.address.as_ref().is_some_and(foreign)
    })
}

/// How long after the stamp of its record a line about a request may come, in seconds: Apache
/// stamps the beginning, and the request takes as long as its record says, else at most as long as
/// Apache waits for an answer.
fn lasts_secs(scene: &Scene<'_>, entry: &AccessEntry) -> i64 {
    if entry.gateway.kind() != Some(GatewayKind::Apache) {
        return NEAR_SECS;
    }
    let longest = || senders(scene, entry).iter().map(|c| c.upstream.timeouts.read.value).max();
    let millis = entry.request_ms.or_else(|| longest().filter(|ms| *ms > 0)).unwrap_or(60_000);
    i64::try_from(millis / 1_000).unwrap_or(i64::MAX).clamp(0, 600).saturating_add(NEAR_SECS)
}

/// Whether a line of Apache names the path of another request.
fn is_of_another(line: &str, entry: &AccessEntry) -> bool {
    let path = entry.request.raw().split([' ', '?']).nth(1).unwrap_or_default();
    let told = line.split_once(" returned by ").and_then(|(_, rest)| rest.split([' ', ',']).next());
    told.is_some_and(|told| told.split('?').next() != Some(path))
}

fn name(chain: &Chain<'_>) -> String {
    let upstream = chain.upstream;
    upstream.address.as_ref().map_or_else(|| upstream.written.to_string(), ToString::to_string)
}

/// The chains that a request may have gone to: by the address in its record, else those whose
/// virtual host and location fit best, else the only one there is.
pub(super) fn senders<'s, 'a>(scene: &'s Scene<'a>, entry: &AccessEntry) -> Vec<&'s Chain<'a>> {
    let mine = || scene.chains.iter().filter(|c| c.gateway.id == entry.gateway);
    if let Some(told) = &entry.upstream_addr {
        let last = told.raw().rsplit(", ").next().unwrap_or_default().trim();
        let address = Address::parse(last, 80);
        return address.map_or_else(Vec::new, |a| mine().filter(|c| c.has_address(&a)).collect());
    }
    let uri = entry.request.raw().split(' ').nth(1).unwrap_or_default();
    let on_host = |route: &Route| {
        entry
            .host
            .as_ref()
            .is_none_or(|host| route.server_names.is_empty() || route.server_names.contains(host))
    };
    let fits: Vec<(usize, &Chain<'a>)> = mine()
        .filter_map(|chain| {
            let routes = chain.upstream.routes.iter().filter(|r| on_host(r));
            Some((routes.filter_map(|r| location_fit(r.location.raw(), uri)).max()?, chain))
        })
        .collect();
    let best = fits.iter().map(|(fit, _)| *fit).max();
    let all: Vec<_> =
        fits.into_iter().filter(|(fit, _)| Some(*fit) == best).map(|(_, c)| c).collect();
    if all.is_empty() && mine().count() == 1 { mine().collect() } else { all }
}

/// How well a location matches a URI, longer being better (`location` of nginx's core module):
/// exact above regular expression above prefix. What Apache says of files fits any URI a little:
/// an index or a rewrite may lead there.
pub(super) fn location_fit(location: &str, uri: &str) -> Option<usize> {
    if let Some(files) = location.split_once("files ~ ").map(|(_, pattern)| pattern) {
        return location_fit(&format!("~ {files}"), uri).or(Some(1));
    }
    if location.starts_with("directory ") || location.contains("files ") {
        return Some(1);
    }
    let mut words = location.split_whitespace();
    match (words.next()?, words.next()) {
        ("=", Some(exact)) => (uri == exact).then_some(100_000),
        (kind @ ("~" | "~*"), Some(pattern)) => {
            let pattern = if kind == "~*" { format!("(?i){pattern}") } else { pattern.to_owned() };
            let regex = regex::RegexBuilder::new(&pattern).size_limit(1 << 20).build().ok()?;
            regex.is_match(uri).then_some(50_000)
        }
        ("^~", Some(prefix)) => uri.starts_with(prefix).then_some(60_000 + prefix.len()),
        (prefix, None) if prefix.starts_with('/') => {
            uri.starts_with(prefix).then_some(prefix.len())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, gateway_id, unit},
        },
        observation::{AccessEntry, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    #[test]
    fn a_status_that_the_upstream_sent_leads_one_hop_further() {
        let found = shop().answered(10, 502, Some("502")).root("upstream-sent-5xx");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_502_with_a_line_in_the_error_log_is_the_gateways_own() {
        let host = shop().answered(10, 502, Some("502")).closed(10, AT);
        host.spares("upstream-sent-5xx");
    }

    #[test]
    fn a_status_for_which_no_upstream_was_asked_was_not_sent_by_one() {
        shop().answered(10, 503, Some("-")).spares("upstream-sent-5xx");
    }

    #[test]
    fn of_several_tries_the_last_one_counts() {
        let host = shop().answered(10, 500, Some("502, 500"));
        host.root("upstream-sent-5xx");
        shop().answered(10, 502, Some("500, 504")).spares("upstream-sent-5xx");
    }

    #[test]
    fn without_the_upstreams_status_in_the_log_one_living_upstream_is_the_sender() {
        assert_eq!(
            shop().answered(10, 502, None).root("upstream-sent-5xx").confidence,
            Confidence::Confirmed
        );
    }

    #[test]
    fn a_conclusion_by_elimination_is_at_most_possible_while_another_upstream_is_down() {
        let host = shop()
            .upstream("127.0.0.1:9000")
            .unit(unit("blog.service").claims("127.0.0.1:9000").stopped(60))
            .answered(10, 502, None);
        let diagnosis = host.diagnose();
        let all = diagnosis.findings.iter().find(|f| f.cause == "upstream-sent-5xx");
        assert!(all.is_none_or(|f| f.confidence < Confidence::Likely), "{all:?}");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_dead_neighbour_with_its_own_error_lines_does_not_hide_the_sender() {
        let neighbour = "127.0.0.1:9000";
        let entry = AccessEntry {
            gateway: gateway_id(),
            log: "/var/log/nginx/access.log".into(),
            at: ago(10),
            status: 500,
            upstream_status: Some("500".into()),
            upstream_addr: Some(AT.into()),
            request: "GET /cart".into(),
            host: None,
            request_ms: None,
            upstream_ms: None,
            flags: None,
            backend: None,
            retries: None,
        };
        let host = shop()
            .upstream(neighbour)
            .unit(unit("blog.service").claims(neighbour).stopped(60))
            .refused(10, neighbour)
            .sees(SourceId::Logs, Seen::Access(entry));
        assert!(host.causes().contains(&"upstream-sent-5xx"), "{:?}", host.causes());
        host.refused(10, AT).spares("upstream-sent-5xx");
    }

    #[test]
    fn apache_passes_on_what_it_writes_no_line_about() {
        for status in [500, 502, 503] {
            let host = Host::apache().upstream(AT).serves("shop.service", AT, 100);
            let found = host.answered(10, status, None).root("upstream-sent-5xx");
            assert_eq!(found.confidence, Confidence::Confirmed, "{status}");
        }
        let own = "[proxy_http:error] [pid 11:tid 11] (20014)Internal error (specific information not available): [client 127.0.0.1:4] AH01102: error reading status line from remote server 127.0.0.1:8000";
        let host = Host::apache().upstream(AT).serves("shop.service", AT, 100).apache_said(10, own);
        host.answered(10, 502, None).spares("upstream-sent-5xx");
    }

    #[test]
    fn apache_stamps_the_beginning_of_a_request_and_its_line_comes_at_the_end() {
        let line = |path: &str| {
            format!(
                "[proxy:error] [pid 1:tid 2] [client 127.0.0.1:4] AH00898: Error reading from remote server returned by {path}"
            )
        };
        let host = || {
            let host = Host::apache().upstream(AT).serves("shop.service", AT, 100);
            host.answered(20, 502, None)
        };
        host().apache_said(10, &line("/cart")).spares("upstream-sent-5xx");
        host().apache_said(10, &line("/other")).root("upstream-sent-5xx");
        host().apache_said(30, &line("/cart")).root("upstream-sent-5xx");
    }

    #[test]
    fn what_apache_says_of_files_fits_any_uri_a_little() {
        use super::location_fit;
        assert_eq!(location_fit("files ~ \\.php$", "/a.php"), Some(50_000));
        assert_eq!(location_fit("directory /srv files ~ \\.php$", "/shop"), Some(1));
        assert_eq!(location_fit("directory /srv", "/shop"), Some(1));
    }
}
