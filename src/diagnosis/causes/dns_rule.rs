//! What the rules about names share.

use crate::{
    diagnosis::{Confidence, Finding, Scene, sight::hides_failures},
    observation::{Address, GatewayKind, Origin, ResolutionOutcome, SourceId, Text},
};

/// Findings for one kind of lookup failure, by log line and by our own lookup.
pub(super) fn judge(
    scene: &Scene<'_>,
    cause: &'static str,
    proves: fn(&ResolutionOutcome) -> bool,
    words: &str,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let ids = [cause];
    let mut hosts: Vec<Text> =
        scene.facts(&ids).filter_map(|fact| fact.captures.get("host").cloned()).collect();
    // Only the server that the gateway itself asks can prove what the gateway was told.
    let own = |host: &Text| {
        scene.chains.iter().any(|c| {
            uses(c.upstream.address.as_ref(), host)
                && c.upstream.per_request
                && c.upstream.resolver.is_some()
        })
    };
    for ((host, server), dated) in &scene.case.resolutions {
        if proves(&dated.value.outcome) && server.is_some() == own(host) {
            hosts.push(host.clone());
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    for host in hosts {
        let line = scene.facts(&ids).rfind(|f| f.captures.get("host") == Some(&host));
        let lookup = scene
            .case
            .resolutions
            .iter()
            .filter(|((name, server), dated)| {
                *name == host && server.is_some() == own(&host) && proves(&dated.value.outcome)
            })
            .map(|((_, server), _)| *server)
            .next();
        let answered = scene.case.resolutions.iter().any(|((name, server), dated)| {
            *name == host
                && server.is_some()
                && matches!(dated.value.outcome, ResolutionOutcome::Found(_))
        });
        let users: Vec<usize> = scene
            .chains
            .iter()
            .enumerate()
            .filter(|(_, c)| {
                uses(c.upstream.address.as_ref(), &host)
                    || c.upstream.written.raw().contains(host.raw())
            })
            .map(|(i, _)| i)
            .collect();
        let slow =
            line.is_none() && lookup.is_some() && only_slow(scene, &host, own(&host), &users);
        let confidence = match (line, lookup) {
            (Some(_), None) | (None, Some(Some(_))) if answered => continue,
            (Some(_), _) => Confidence::Confirmed,
            // The gateway writes down every name that it waits for in vain.
            (None, Some(_)) if slow && !may_fail_unread(scene, &users) => continue,
            (None, Some(_)) if slow => Confidence::Possible,
            // A gateway that was told nobody to ask never asks: what we are told is another matter.
            (None, Some(_)) if !users.is_empty() && asks_nobody(scene, &users) => {
                Confidence::Possible
            }
            // A name that never failed for the gateway may be one that it does not look up.
            (None, Some(_)) if !users.is_empty() => Confidence::Likely,
            (None, _) => continue,
        };
        let mut subject = scene.subject(&users);
        subject.gateway = subject.gateway.or_else(|| line.and_then(|f| f.gateway.clone()));
        subject.name = Some(host.clone());
        let server = lookup.flatten().map(|s| format!(" by {s}")).unwrap_or_default();
        let summary = if slow {
            format!("{host} was not looked up{server} within a second; the gateway waits longer")
        } else {
            format!("{host} {words}{server}")
        };
        let mut finding = Finding::new(cause, confidence, summary)
            .about(subject)
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check(format!("ask the gateway's own resolver, not the host's: dig {host} @SERVER"));
        if slow {
            finding = finding.unseen("whether the gateway waits in vain", SourceId::Logs);
        } else if lookup.is_some() {
            finding = finding.with(
                format!("a lookup of {host} made just now failed the same way{server}"),
                Origin::Resolver,
                None,
            );
        }
        if let Some(resolver) = users
            .iter()
            .filter_map(|i| scene.chains.get(*i))
            .find_map(|c| c.upstream.resolver.as_ref())
        {
            finding = finding.with(
                "the resolver is set here",
                Origin::Config(resolver.place.clone()),
                None,
            );
        }
        found.push(finding);
    }
    found
}

/// Whether all that speaks against a name is that nobody answered us, while every gateway that
/// uses it waits longer than we do.
fn only_slow(scene: &Scene<'_>, host: &Text, own: bool, users: &[usize]) -> bool {
    let all = scene.case.resolutions.iter();
    let mut outcomes = all.filter(|((name, server), _)| name == host && server.is_some() == own);
    let waits = |index: &usize| scene.chains.get(*index).is_some_and(|c| c.upstream.outwaits_us());
    users.iter().all(waits)
        && outcomes.all(|(_, dated)| {
            matches!(dated.value.outcome, ResolutionOutcome::TimedOut | ResolutionOutcome::Found(_))
        })
}

/// Whether nginx looks this name up at each request, and has no resolver for it.
fn asks_nobody(scene: &Scene<'_>, users: &[usize]) -> bool {
    users.iter().filter_map(|index| scene.chains.get(*index)).all(|chain| {
        chain.gateway.kind == GatewayKind::Nginx
            && chain.upstream.per_request
            && chain.upstream.resolver.is_none()
    })
}

/// Whether requests through some chains may fail without a line that we could read.
fn may_fail_unread(scene: &Scene<'_>, users: &[usize]) -> bool {
    let unread = users
        .iter()
        .filter_map(|index| scene.chains.get(*index))
        .any(|chain| !scene.reads_error_log(&chain.gateway.id));
    unread && (scene.incident.present || hides_failures(scene, users))
}

fn uses(address: Option<&Address>, wanted: &Text) -> bool {
    matches!(address, Some(Address::Name { host, .. }) if host == wanted)
}
