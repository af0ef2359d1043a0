//! HAProxy refused an answer (`PH`): its log does not say what was wrong with it, the bytes that it
//! kept of the last one do.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::Chain,
    observation::{GatewayKind, Origin, Refusal, RefusedAnswer},
};

use super::by_upstream_line;

/// Id of the line.
const LINE: &str = "response-header-invalid";
const CHECK: &str = "show errors on the stats socket: the bytes of the last answer that it refused";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| c.gateway.kind == GatewayKind::Haproxy) {
        let facts: Vec<_> = scene.facts_on(chain, &[LINE]).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let kept = kept(scene, chain, facts.iter().map(|fact| fact.text.raw()));
        let name = chain.upstream.address.as_ref().map(ToString::to_string);
        let name = name.unwrap_or_else(|| chain.upstream.written.to_string());
        let n = facts.len();
        let (cause, says) = match kept.map(|answer| answer.why) {
            Some(Refusal::TooLong) => (
                "response-header-too-big",
                "sends response headers that do not fit HAProxy's buffer (tune.bufsize)",
            ),
            Some(Refusal::NotHttp) => ("response-not-http", "sends something that is not HTTP"),
            Some(Refusal::Malformed) => (LINE, "sends headers that are none"),
            None => (
                LINE,
                "sends answers that HAProxy refuses: a broken header, one too long, or no HTTP",
            ),
        };
        let sure = if kept.is_some() { Confidence::Confirmed } else { Confidence::Possible };
        let mut finding = Finding::new(cause, sure, format!("{name} {says} ({n} times)"))
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check(CHECK);
        finding.current = by_upstream_line::still_current(scene, chain.gateway.loaded, last.at);
        if let Some(answer) = kept {
            finding.evidence.push(Evidence {
                what: format!("HAProxy kept the answer: {}", answer.words),
                origin: Origin::Config(chain.upstream.place.clone()),
                at: None,
            });
        }
        found.push(finding);
    }
    found
}

/// What HAProxy kept of an answer to one of the requests of these lines: told by the client's
/// address and port, since it keeps one from any time.
fn kept<'a>(
    scene: &Scene<'a>,
    chain: &Chain<'_>,
    lines: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a RefusedAnswer> {
    let runtime = scene.case.runtime.get(&chain.gateway.id)?;
    runtime.now.value.refused.iter().rev().find(|answer| {
        let client = answer.client.raw();
        let is_it = |line: &str| {
            line.match_indices(client).any(|(at, _)| {
                let before = line.get(..at).and_then(|l| l.chars().next_back());
                let after = line.get(at + client.len()..).and_then(|l| l.chars().next());
                before.is_none_or(|c| c == ' ') && after.is_none_or(|c| c == ' ')
            })
        };
        !client.is_empty() && lines.clone().any(is_it)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing_haproxy::balancer;

    const AT: &str = "127.0.0.1:8000";
    const CAUSES: [&str; 3] = [LINE, "response-header-too-big", "response-not-http"];

    fn kept(why: Refusal, client: &str) -> crate::diagnosis::testing::Host {
        let host = balancer("app", &[AT]).process(100, "node", "shop.service").listens(AT, 100);
        host.haproxy_request(10, "app/s1", 502, "PH--").haproxy_refused(vec![RefusedAnswer {
            group: "app".into(),
            server: "s1".into(),
            client: client.into(),
            why,
            words: "invalid response".into(),
        }])
    }

    #[test]
    fn the_bytes_that_haproxy_kept_tell_which_of_three_it_was() {
        let all = [Refusal::Malformed, Refusal::TooLong, Refusal::NotHttp];
        for (why, cause) in all.into_iter().zip(CAUSES) {
            let host = kept(why, "10.0.0.9:50908");
            assert_eq!(host.root(cause).confidence, Confidence::Confirmed);
            for other in CAUSES.into_iter().filter(|other| *other != cause) {
                host.spares(other);
            }
        }
    }

    #[test]
    fn an_answer_to_another_request_proves_nothing_of_these() {
        for client in ["10.0.0.9:5090", "0.0.0.9:50908", "10.0.0.8:50908", ""] {
            let host = kept(Refusal::TooLong, client);
            assert_eq!(host.root(LINE).confidence, Confidence::Possible, "{client}");
            host.spares("response-header-too-big");
        }
    }
}
