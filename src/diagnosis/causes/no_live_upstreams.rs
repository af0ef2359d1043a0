//! "no live upstreams" although no server of the group failed: the configuration itself leaves
//! none to ask.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{LogFact, topology::Chain},
    observation::{GatewayId, Origin, Text},
};

use super::{behind::names_group, by_upstream_line::still_current, rule::Rule};

pub(super) const MAX_CONNS: Rule = Rule { cause: "upstream-max-conns", judge: judge_max_conns };
pub(super) const ALL_DOWN: Rule = Rule { cause: "upstream-all-down-marked", judge: judge_all_down };

/// The servers of one group, with the newest line that says that none is left.
struct Group<'s, 'a> {
    name: &'a Text,
    members: Vec<(usize, &'s Chain<'a>)>,
    line: Option<&'s LogFact>,
}

fn groups<'s, 'a>(scene: &'s Scene<'a>) -> Vec<Group<'s, 'a>> {
    let mut all: BTreeMap<(&GatewayId, &Text), Group<'s, 'a>> = BTreeMap::new();
    for (index, chain) in scene.chains.iter().enumerate() {
        let Some(name) = &chain.upstream.group else { continue };
        if chain.upstream.routes.is_empty() {
            continue;
        }
        let entry = all.entry((&chain.gateway.id, name)).or_insert_with(|| Group {
            name,
            members: Vec::new(),
            line: None,
        });
        entry.members.push((index, chain));
    }
    let lines: Vec<&LogFact> = scene.facts(&["upstream-all-banned"]).collect();
    for group in all.values_mut().filter(|_| !lines.is_empty()) {
        let Some((_, first)) = group.members.first() else { continue };
        group.line = lines.iter().rfind(|fact| names_group(fact, first)).copied();
    }
    all.into_values().collect()
}

fn judge_all_down(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene) {
        // A server that the configuration could not be read of may be up.
        let whole = group.members.iter().all(|(_, c)| c.upstream.params.down)
            && group.members.first().is_some_and(|(_, c)| {
                usize::try_from(c.upstream.group_size) == Ok(group.members.len())
            });
        if !whole {
            continue;
        }
        let sure = if group.line.is_some() { Confidence::Confirmed } else { Confidence::Likely };
        let summary = format!(
            "every server of {} is marked `down` in the configuration: no request can go there",
            group.name
        );
        found.push(finding(scene, ALL_DOWN.cause, sure, summary, &group, |c| {
            format!("server {} down", c.upstream.written)
        }));
    }
    found
}

fn judge_max_conns(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene) {
        let Some(line) = group.line else { continue };
        let usable = || group.members.iter().filter(|(_, c)| !c.upstream.params.down);
        if usable().count() == 0 || !usable().all(|(_, c)| c.upstream.params.max_conns > 0) {
            continue;
        }
        // A server that failed before was set aside, and that is another cause.
        let pause = usable().map(|(_, c)| c.upstream.params.fail_timeout_secs).max().unwrap_or(10);
        let back = i64::try_from(pause).unwrap_or(10).saturating_add(2);
        let failed = usable().any(|(_, chain)| {
            scene.case.logs.since(line.at.minus_secs(back)).any(|fact| {
                fact.gateway.as_ref() == Some(&chain.gateway.id)
                    && fact.at <= line.at
                    && fact.signature.info().is_some_and(|info| info.failure)
                    && fact.address.as_ref().is_some_and(|a| chain.has_address(a))
            })
        });
        if failed {
            continue;
        }
        let most: u32 = usable().map(|(_, c)| c.upstream.params.max_conns).sum();
        let summary = format!(
            "{} takes no more: its servers may have {most} connections at once (max_conns), and \
             none of them failed",
            group.name
        );
        found.push(finding(scene, MAX_CONNS.cause, Confidence::Confirmed, summary, &group, |c| {
            format!("server {} max_conns={}", c.upstream.written, c.upstream.params.max_conns)
        }));
    }
    found
}

fn finding(
    scene: &Scene<'_>,
    cause: &'static str,
    sure: Confidence,
    summary: String,
    group: &Group<'_, '_>,
    words: impl Fn(&Chain<'_>) -> String,
) -> Finding {
    let members: Vec<usize> = group.members.iter().map(|(index, _)| *index).collect();
    let mut finding = Finding::new(cause, sure, summary)
        .about(scene.subject(&members))
        .with_some(group.line.map(Scene::quote))
        .since(group.line.map(|f| f.at).or(scene.incident.first));
    for (_, chain) in group.members.iter().take(3) {
        let place = chain.upstream.place.clone();
        finding = finding.with(words(chain), Origin::Config(place), None);
    }
    if cause == MAX_CONNS.cause {
        let loaded = group.members.first().and_then(|(_, c)| c.gateway.loaded);
        finding.current = group.line.is_some_and(|f| still_current(scene, loaded, f.at));
        finding.check("are the connections slow ones? then find why; else raise max_conns")
    } else {
        finding.check("is it meant, for maintenance? else take `down` away, test and reload")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    const A: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";

    fn line(host: Host, secs: i64) -> Host {
        host.nginx(secs, "no live upstreams while connecting to upstream", "pool")
    }

    fn pool(most: u32) -> Host {
        let with = |host: Host, at: &str| {
            host.upstream_with(at, |u| {
                u.group = Some("pool".into());
                u.group_size = 2;
                u.params.max_conns = most;
            })
        };
        with(with(Host::new(), A), B).serves("a.service", A, 100).serves("b.service", B, 200)
    }

    #[test]
    fn servers_that_never_failed_and_have_a_limit_have_reached_it() {
        line(pool(1), 3).incident("upstream-max-conns", Confidence::Confirmed, "nginx.conf:10");
    }

    #[test]
    fn servers_that_failed_before_were_set_aside() {
        let host = line(pool(1).refused(6, A).refused(5, B), 3);
        host.spares("upstream-max-conns");
        host.root("upstream-all-banned");
        line(pool(0), 3).spares("upstream-max-conns");
    }

    fn marked(down: [bool; 2]) -> Host {
        [A, B].iter().zip(down).fold(Host::new(), |host, (at, down)| {
            host.upstream_with(at, |u| {
                u.group = Some("pool".into());
                u.group_size = 2;
                u.params.down = down;
            })
        })
    }

    #[test]
    fn a_group_of_servers_that_are_all_marked_down_serves_nobody() {
        line(marked([true, true]), 3).incident(
            "upstream-all-down-marked",
            Confidence::Confirmed,
            "nginx.conf:10",
        );
    }

    #[test]
    fn one_server_that_is_not_marked_is_enough() {
        marked([true, false]).listens(B, 100).spares("upstream-all-down-marked");
    }
}
