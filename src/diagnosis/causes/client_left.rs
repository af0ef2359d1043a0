//! Clients that leave before the answer: people, or a balancer in front whose patience ends first.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{AccessEntry, Gateway, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule, upstream_sent_5xx::senders};

pub(super) const RULE: Rule = Rule { cause: "client-abort-499", judge: judge_people };
pub(super) const BALANCER: Rule = Rule { cause: "lb-target-timeout", judge: judge_balancer };

/// Fewer are the ordinary life of a site: somebody closes a page.
const LEAST: usize = 8;
/// Part of all requests (1/n) that has to end so.
const PART: u64 = 20;
/// Fewer than [`LEAST`] count where every third request ends so.
const FEW: usize = 4;
/// The same for few ones.
const FEW_PART: u64 = 3;
/// A timeout of a machine is at least so long, milliseconds.
const PATIENCE_MS: u64 = 4_500;
/// Timeouts of machines differ by less than this share (1/n) or this many milliseconds.
const SPREAD_PART: u64 = 25;
const SPREAD_MS: u64 = 300;

/// More upstreams that may have been asked are no help to anybody.
const CANDIDATES: usize = 6;

/// The requests of one gateway that their clients gave up.
struct Left<'a> {
    entries: Vec<&'a AccessEntry>,
    /// After how many milliseconds most of them left, where they all left after the same time.
    after: Option<u64>,
}

fn left<'a>(scene: &Scene<'a>, gateway: &Gateway) -> Option<Left<'a>> {
    let from = scene.incident.window;
    let own = scene.case.access.entries.iter().filter(|e| e.gateway == gateway.id && e.at >= from);
    let entries: Vec<&AccessEntry> = own.filter(|e| e.status == 499).collect();
    let (all, _) = scene.case.access.totals(Some(&gateway.id), from);
    let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let many = (entries.len() >= LEAST && count.saturating_mul(PART) >= all)
        || (entries.len() >= FEW && count.saturating_mul(FEW_PART) >= all);
    many.then(|| Left { after: common(&entries), entries })
}

/// The time after which nearly all left, when it is one and the same.
fn common(entries: &[&AccessEntry]) -> Option<u64> {
    let mut times: Vec<u64> = entries.iter().filter_map(|e| e.request_ms).collect();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().filter(|ms| *ms >= PATIENCE_MS)?;
    let spread = SPREAD_MS.max(middle / SPREAD_PART);
    let near = times.iter().filter(|ms| ms.abs_diff(middle) <= spread).count();
    (near >= FEW && near * 10 >= entries.len() * 8).then_some(middle)
}

fn judge_people(scene: &Scene<'_>) -> Vec<Finding> {
    let of = |gateway: &Gateway| {
        let left = left(scene, gateway).filter(|left| left.after.is_none())?;
        let summary = format!(
            "{} clients of {} left before they had an answer (499): it takes too long for them",
            left.entries.len(),
            gateway.kind.as_str()
        );
        Some(finding(scene, gateway, RULE.cause, summary, &left))
    };
    scene.gateways().filter_map(of).collect()
}

fn judge_balancer(scene: &Scene<'_>) -> Vec<Finding> {
    let of = |gateway: &Gateway| {
        let left = left(scene, gateway)?;
        let secs = left.after?;
        let summary = format!(
            "{} requests were given up after {}.{} s each (499): that is the timeout of a balancer \
             or CDN in front, which shows its own 504",
            left.entries.len(),
            secs / 1_000,
            secs % 1_000 / 100
        );
        Some(finding(scene, gateway, BALANCER.cause, summary, &left))
    };
    scene.gateways().filter_map(of).collect()
}

fn finding(
    scene: &Scene<'_>,
    gateway: &Gateway,
    cause: &'static str,
    summary: String,
    left: &Left<'_>,
) -> Finding {
    let newest = left.entries.last();
    let mut finding = Finding::new(cause, Confidence::Likely, summary)
        .since(left.entries.first().map(|e| e.at))
        .check("why does the answer take so long? The upstream's time in the access log tells");
    // Where all went to one upstream, it is the slow one.
    let mut asked: Vec<usize> =
        left.entries.iter().flat_map(|e| senders(scene, e)).map(|chain| chain.index).collect();
    asked.sort_unstable();
    asked.dedup();
    if let [only] = asked.as_slice()
        && let Some(chain) = scene.chains.get(*only)
    {
        finding.subject = scene.subject_of(chain);
    } else if asked.len() <= CANDIDATES {
        let chains = asked.iter().filter_map(|index| scene.chains.get(*index));
        let mut addresses: Vec<_> = chains.filter_map(|c| c.upstream.address.clone()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        finding.subject.candidates = addresses;
    }
    finding.subject.gateway = Some(gateway.id.clone());
    if let Some(entry) = newest {
        let took = entry.request_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
        finding.evidence.push(Evidence {
            what: format!("{} ended with 499{took}", entry.request),
            origin: Origin::File(entry.log.clone()),
            at: Some(entry.at),
        });
        finding.current = still_current(scene, None, entry.at);
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{ACCESS_LOG, Host, access_log, ago, gateway_id},
        observation::{Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn entry(secs: i64, ms: Option<u64>) -> Seen {
        let host = Host::new().answered(secs, 499, Some("-"));
        let entry = host.observations().into_iter().find_map(|o| match o.seen {
            Seen::Access(entry) => Some(entry),
            _ => None,
        });
        let mut entry = entry.expect("one request");
        entry.request_ms = ms;
        Seen::Access(entry)
    }

    fn abandoned(after: &[u64], others: u32) -> Host {
        let host = Host::passing_to(AT)
            .config(|c| c.logs.push(access_log()))
            .serves("shop.service", AT, 100)
            .traffic(60, 200, others);
        after.iter().zip(10..).fold(host, |host, (ms, secs)| {
            host.traffic(secs, 499, 1).sees(SourceId::Logs, entry(secs, Some(*ms)))
        })
    }

    #[test]
    fn requests_given_up_after_the_same_time_were_given_up_by_a_machine() {
        let times = [59_990, 60_000, 60_001, 60_010, 59_999, 60_002, 60_000, 60_003, 60_000];
        let host = abandoned(&times, 40);
        let found = host.root("lb-target-timeout");
        assert!(found.summary.contains("60.0 s"), "{}", found.summary);
        assert_eq!(found.subject.gateway, Some(gateway_id()));
        assert_eq!(found.evidence[0].at, Some(ago(10 + 8)));
        assert_eq!(found.evidence[0].origin, Origin::File(ACCESS_LOG.into()));
        host.incident("lb-target-timeout", Confidence::Likely, "nginx");
    }

    #[test]
    fn people_who_leave_after_all_kinds_of_times_are_people() {
        let host = abandoned(&[900, 12_000, 3_000, 45_000, 8_000, 700, 61_000, 5_000, 22_000], 40);
        host.spares("lb-target-timeout");
        host.incident("client-abort-499", Confidence::Likely, "nginx");
    }

    #[test]
    fn some_closed_pages_on_a_busy_site_are_no_trouble() {
        abandoned(&[900; 9], 1_000).spares("client-abort-499");
        abandoned(&[900; 3], 0).spares("client-abort-499");
        abandoned(&[900; 5], 40).spares("client-abort-499");
        abandoned(&[900; 5], 5).root("client-abort-499");
    }

    #[test]
    fn quick_aborts_at_one_time_are_no_timeout_of_a_balancer() {
        abandoned(&[1_000; 9], 40).spares("lb-target-timeout");
    }
}
