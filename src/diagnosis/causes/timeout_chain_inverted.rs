//! Of two gateways in a row the outer one gives up first.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, next_gateway},
    observation::{AccessEntry, Gateway, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "timeout-chain-inverted", judge };

/// How far the clocks of the two records may be apart, seconds.
const NEAR_SECS: i64 = 3;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in &scene.chains {
        let Some(inner) = next_gateway(scene.case, chain) else { continue };
        let lines: Vec<_> = scene.facts_on(chain, &["proxy-read-timeout"]).collect();
        let Some(last) = lines.last() else { continue };
        let outer_ms = chain.upstream.timeouts.read.value;
        let slower = scene
            .chains
            .iter()
            .filter(|c| c.gateway.id == inner.id && !std::ptr::eq(*c, chain))
            .filter(|c| c.upstream.timeouts.read.value >= outer_ms)
            .max_by_key(|c| c.upstream.timeouts.read.value);
        let Some(slower) = slower.filter(|_| outer_ms > 0) else { continue };
        let abandoned = abandoned(scene, inner, &lines);
        let sure = if abandoned.is_some() { Confidence::Confirmed } else { Confidence::Likely };
        found.push(finding(scene, chain, slower, abandoned, sure, last));
    }
    found
}

/// A request that the inner gateway noted as given up when the outer one stopped waiting.
fn abandoned<'a>(
    scene: &Scene<'a>,
    inner: &Gateway,
    lines: &[&crate::evidence::LogFact],
) -> Option<&'a AccessEntry> {
    scene.case.access.entries.iter().rev().find(|entry| {
        entry.gateway == inner.id
            && entry.status == 499
            && lines.iter().any(|f| f.at.since(entry.at).as_secs().abs() <= NEAR_SECS)
    })
}

fn finding<'a>(
    scene: &Scene<'a>,
    outer: &Chain<'a>,
    inner: &Chain<'a>,
    abandoned: Option<&AccessEntry>,
    sure: Confidence,
    last: &crate::evidence::LogFact,
) -> Finding {
    let (short, long) = (outer.upstream.timeouts.read.value, inner.upstream.timeouts.read.value);
    let summary = format!(
        "{} waits {} ms for {}, which itself waits {} ms for {}: the outer one gives up first and \
         nobody learns why",
        outer.gateway.kind.as_str(),
        short,
        inner.gateway.kind.as_str(),
        long,
        inner.upstream.written
    );
    let place = |chain: &Chain<'_>| {
        let read = &chain.upstream.timeouts.read;
        Origin::Config(read.place.clone().unwrap_or_else(|| chain.upstream.place.clone()))
    };
    let mut finding = Finding::new(RULE.cause, sure, summary)
        .about(scene.subject_of(outer))
        .with(format!("the outer read timeout is {short} ms"), place(outer), None)
        .with(format!("the inner read timeout is {long} ms"), place(inner), None)
        .with_some(Some(Scene::quote(last)))
        .since(Some(last.at))
        .check("let each wait longer than the one behind it; then find what is slow");
    finding.subject.upstreams.push(inner.upstream.id.clone());
    if let Some(entry) = abandoned {
        finding.evidence.push(Evidence {
            what: format!("the inner gateway noted {} as given up (499)", entry.request),
            origin: Origin::File(entry.log.clone()),
            at: Some(entry.at),
        });
    }
    finding.current = still_current(scene, outer.gateway.loaded, last.at);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, access_log},
        observation::{Setting, Timeouts},
    };

    const FRONT: &str = "127.0.0.1:8081";
    const APP: &str = "127.0.0.1:8000";
    const LATE: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn read(ms: u64) -> Timeouts {
        Timeouts { read: Setting { value: ms, place: None }, ..Timeouts::default() }
    }

    /// One nginx that passes to a second virtual host of its own, which passes to the application.
    fn two(outer: u64, inner: u64) -> Host {
        Host::new()
            .upstream_with(FRONT, |u| u.timeouts = read(outer))
            .upstream_with(APP, |u| u.timeouts = read(inner))
            .config(|c| c.logs.push(access_log()))
            .listens(FRONT, 11)
            .serves("shop.service", APP, 100)
            .nginx(10, LATE, FRONT)
    }

    #[test]
    fn the_outer_timeout_with_the_inner_499_proves_it() {
        two(2_000, 60_000).answered(10, 499, Some("-")).answered(10, 504, Some("504")).incident(
            "timeout-chain-inverted",
            Confidence::Confirmed,
            r"127\.0\.0\.1:8081",
        );
    }

    #[test]
    fn an_inner_one_that_gives_up_first_is_in_order() {
        two(60_000, 2_000).answered(10, 504, Some("504")).spares("timeout-chain-inverted");
    }

    #[test]
    fn a_slow_application_without_a_second_gateway_is_only_slow() {
        let host = Host::new()
            .upstream_with(APP, |u| u.timeouts = read(2_000))
            .serves("shop.service", APP, 100)
            .nginx(10, LATE, APP);
        host.spares("timeout-chain-inverted");
        host.root("proxy-read-timeout");
    }
}
