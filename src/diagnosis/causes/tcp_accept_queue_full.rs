//! The accept queue of a TCP backend is full: new connections are dropped in silence.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Listener, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "tcp-accept-queue-full", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers().filter(|(_, p)| p.address.path().is_none()) {
        let ids = ["sym-connect-timeout", "proxy-read-timeout"];
        let line = scene.facts_on(chain, &ids).next_back();
        let dropped = scene.facts_on(chain, &["sym-connect-timeout"]).next_back();
        let full = peer.queue_full();
        let over = peer.listener.is_some_and(is_over);
        let overflows = overflows(scene, chain.gateway);
        let sure = match (full, dropped.is_some() || over, overflows) {
            (true, true, _) => Confidence::Confirmed,
            (true, false, _) => Confidence::Likely,
            (false, true, Some(n)) if n > 0 && peer.listener.is_some() => Confidence::Likely,
            _ => continue,
        };
        let summary = format!(
            "the accept queue of {} is full: new connections are dropped without an answer",
            peer.address
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check(
                "why do its workers not accept? a longer queue only makes everybody wait longer",
            );
        if let Some((queue, backlog)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) {
            finding = finding.with(
                format!("{queue} connections wait, the limit is {backlog}"),
                Origin::Sockets,
                None,
            );
        }
        if let Some(n) = overflows.filter(|n| *n > 0) {
            finding = finding.with(
                format!("ListenOverflows rose by {n} since this program looks"),
                Origin::Sockets,
                None,
            );
        }
        finding.current =
            full || line.is_some_and(|f| super::by_upstream_line::still_current(scene, None, f.at));
        found.push(finding);
    }
    found
}

/// The kernel lets one more connection in than the limit says before it drops any.
fn is_over(listener: &Listener) -> bool {
    listener.queue.zip(listener.backlog).is_some_and(|(queue, backlog)| queue > backlog)
}

fn overflows(scene: &Scene<'_>, gateway: &crate::observation::Gateway) -> Option<u64> {
    let netns = scene.case.netns_of(gateway)?;
    let now = scene.case.listeners.get(&netns)?.value.overflows?;
    let first = scene.case.first_overflows.get(&netns)?;
    Some(now.saturating_sub(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, unit},
        observation::{FirewallVerdict, ProbeOutcome, Protocol},
    };

    const AT: &str = "127.0.0.1:8000";
    const LATE: &str =
        "upstream timed out (110: Connection timed out) while connecting to upstream";

    fn queue(waiting: u32) -> Host {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(80_000))
            .process(100, "app", "shop.service")
            .listens_with(AT, 100, |l| {
                l.queue = Some(waiting);
                l.backlog = Some(1);
            })
            .nginx(10, LATE, AT)
    }

    #[test]
    fn a_queue_above_its_limit_is_why_connects_time_out() {
        queue(2).incident("tcp-accept-queue-full", Confidence::Confirmed, "8000");
    }

    #[test]
    fn a_filter_that_drops_leaves_the_queue_empty() {
        let host = queue(0).filter(FirewallVerdict::Drop, AT).probe(AT, ProbeOutcome::TimedOut);
        host.spares("tcp-accept-queue-full");
        host.root("firewall-drop");
    }

    #[test]
    fn busy_php_children_stand_above_the_queue_that_they_fill() {
        let at = "127.0.0.1:9000";
        let host = Host::new()
            .upstream_with(at, |u| u.protocol = Protocol::Fastcgi)
            .unit(unit("php8.2-fpm.service").claims(at).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens_with(at, 100, |l| {
                l.queue = Some(2);
                l.backlog = Some(1);
            })
            .fpm(11, "[20-Nov-2026 13:59:49] WARNING: [pool www] server reached pm.max_children setting (1), consider raising it")
            .nginx(10, LATE, at);
        assert!(host.root("fpm-max-children").explains.contains(&"tcp-accept-queue-full"));
    }
}
