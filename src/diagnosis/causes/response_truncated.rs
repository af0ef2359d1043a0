//! The answer ended before it was whole: the client has a 200 and half a page.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::Origin,
};

use super::{by_upstream_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "response-truncated", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        RULE.cause,
        &[RULE.cause],
        Confidence::Confirmed,
        |address, n| {
            format!(
                "answers of {address} end before they are whole: clients get a cut 200 ({n} times)"
            )
        },
    );
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        let (mut late, mut reset, mut closed) = (0_usize, 0_usize, 0_usize);
        for fact in scene.facts_on(chain, &[RULE.cause]) {
            match fact.errno {
                Some(110) => late += 1,
                Some(104) => reset += 1,
                _ => closed += 1,
            }
        }
        let read = &chain.upstream.timeouts.read;
        let words = match (late, reset, closed) {
            (n, _, _) if n > 0 => format!(
                "{n} times nothing more came for {} s, the gateway's own read timeout",
                read.value / 1_000
            ),
            (_, n, _) if n > 0 => format!("{n} times the connection was reset: its process died"),
            (_, _, n) => format!("{n} times it closed the connection early"),
        };
        let place = read.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
        let origin = if late > 0 {
            Some(Origin::Config(place))
        } else {
            finding.evidence.first().map(|e| e.origin.clone())
        };
        if let Some(origin) = origin {
            let at = finding.evidence.first().and_then(|e| e.at);
            finding.evidence.push(Evidence { what: words, origin, at });
        }
        finding.next_check = Some(
            "what ended in the middle of an answer: a worker, a limit on its time, or the disk of \
             the gateway?"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:8000";

    fn cut(line: &str) -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100).nginx(10, line, AT)
    }

    #[test]
    fn a_cut_answer_says_how_it_was_cut() {
        let host = cut("upstream prematurely closed connection while reading upstream");
        let found = host.root("response-truncated");
        assert!(found.evidence.iter().any(|e| e.what.contains("closed the connection early")));
        host.incident("response-truncated", Confidence::Confirmed, r"127\.0\.0\.1:8000");
        let late = cut("upstream timed out (110: Connection timed out) while reading upstream");
        let found = late.root("response-truncated");
        assert!(found.evidence.iter().any(|e| e.what.contains("own read timeout")));
    }

    #[test]
    fn a_memory_kill_in_the_middle_of_an_answer_stands_above_it() {
        let host = cut("recv() failed (104: Connection reset by peer) while reading upstream")
            .kill("/system.slice/shop.service", 10, true);
        assert!(host.root("oom-cgroup-unit").explains.contains(&"response-truncated"));
    }

    #[test]
    fn an_answer_that_never_began_is_not_a_cut_one() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .closed(10, AT)
            .spares("response-truncated");
    }
}
