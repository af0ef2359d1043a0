//! Behind this gateway stands another one of this host, and the error is that one's.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, next_gateway},
    observation::{AccessEntry, Origin},
};

use super::{
    by_upstream_line::still_current,
    rule::Rule,
    upstream_sent_5xx::{senders, was_passed},
};

pub(super) const RULE: Rule = Rule { cause: "chained-proxy", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let from = scene.incident.window;
    let failed = scene.case.access.entries.iter().filter(|e| e.at >= from && e.status >= 500);
    let mut passed: BTreeMap<usize, Vec<&AccessEntry>> = BTreeMap::new();
    for entry in failed.filter(|entry| was_passed(scene, entry)) {
        for chain in senders(scene, entry) {
            passed.entry(chain.index).or_default().push(entry);
        }
    }
    let of = |(index, entries): (&usize, &Vec<&AccessEntry>)| {
        of_chain(scene, scene.chains.get(*index)?, entries)
    };
    passed.iter().filter_map(of).collect()
}

fn of_chain<'a>(scene: &Scene<'a>, chain: &Chain<'a>, passed: &[&AccessEntry]) -> Option<Finding> {
    let inner = next_gateway(scene.case, chain)?;
    let newest = passed.last()?;
    let summary = format!(
        "the {} came from {} behind {}, one hop further in: its own logs tell why ({} requests)",
        newest.status,
        inner.kind.as_str(),
        chain.upstream.written,
        passed.len()
    );
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .about(scene.subject_of(chain))
        .with(
            format!("{} leads to {} of this host", chain.upstream.written, inner.kind.as_str()),
            Origin::Config(chain.upstream.place.clone()),
            None,
        )
        .since(passed.first().map(|e| e.at))
        .check("look at the findings of the inner gateway: they name the reason");
    finding.evidence.push(Evidence {
        what: format!(
            "{} was answered {}, and this one only passed it on",
            newest.request, newest.status
        ),
        origin: Origin::File(newest.log.clone()),
        at: Some(newest.at),
    });
    finding.current = still_current(scene, None, newest.at);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, access_log, unit};

    const FRONT: &str = "127.0.0.1:8081";
    const APP: &str = "127.0.0.1:8000";

    fn two() -> Host {
        let host = Host::new()
            .upstream(FRONT)
            .upstream(APP)
            .config(|c| c.logs.push(access_log()))
            .listens(FRONT, 11)
            .answered(10, 502, Some("502"));
        host.sees(
            crate::observation::SourceId::Logs,
            crate::observation::Seen::Access(AccessEntry {
                upstream_addr: Some(FRONT.into()),
                ..host_entry()
            }),
        )
    }

    fn host_entry() -> AccessEntry {
        let seen = Host::new().answered(9, 502, Some("502")).observations();
        let entry = seen.into_iter().find_map(|o| match o.seen {
            crate::observation::Seen::Access(entry) => Some(entry),
            _ => None,
        });
        entry.expect("one request")
    }

    #[test]
    fn the_status_of_the_inner_gateway_is_passed_on_by_the_outer_one() {
        two().serves("shop.service", APP, 100).incident(
            "chained-proxy",
            Confidence::Confirmed,
            r"127\.0\.0\.1:8081",
        );
    }

    #[test]
    fn what_fails_behind_the_inner_gateway_stands_first() {
        two().unit(unit("shop.service").claims(APP).stopped(60)).root("app-unit-stopped");
    }

    #[test]
    fn an_application_that_answers_502_is_no_second_gateway() {
        Host::passing_to(APP)
            .config(|c| c.logs.push(access_log()))
            .serves("shop.service", APP, 100)
            .answered(10, 502, Some("502"))
            .spares("chained-proxy");
    }
}
