//! Gateway and application run in containers that share no network.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, PeerState},
    observation::{Address, Container, Origin, Text, Wall},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "container-network-mismatch", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let own = chain.gateway.container.as_ref().and_then(|id| scene.case.containers.get(id));
        let (Some(own), Some(theirs)) = (own, peer.container) else { continue };
        let (ours, others) = (networks(own), networks(theirs));
        let line = scene
            .facts_on(
                chain,
                &["sym-connect-timeout", "kernel-connect-timeout", "sym-no-route-async"],
            )
            .next_back();
        let silent = peer.state != PeerState::Up || line.is_some();
        if let Some(stray) = stray(scene, chain, theirs, &ours) {
            found.push(strayed(scene, chain, theirs, &ours, stray));
            continue;
        }
        if ours.is_empty() || others.is_empty() || !ours.is_disjoint(&others) || !silent {
            continue;
        }
        let list = |names: &BTreeSet<&Text>| {
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let summary = format!(
            "the gateway's container is on {}, container {} on {}: they cannot reach each other",
            list(&ours),
            theirs.name,
            list(&others)
        );
        let mut subject = scene.subject_of(chain);
        subject.container = Some((theirs.id.clone(), theirs.name.clone()));
        found.push(
            Finding::new(RULE.cause, Confidence::Confirmed, summary)
                .about(subject)
                .with(format!("networks: {}", list(&ours)), Origin::Docker(own.id.clone()), None)
                .with(
                    format!("networks: {}", list(&others)),
                    Origin::Docker(theirs.id.clone()),
                    None,
                )
                .with_some(line.map(Scene::quote))
                .since(line.map(|f| f.at).or(scene.incident.first))
                .check(format!(
                    "put both on one network: docker network connect NETWORK {}",
                    theirs.name
                )),
        );
    }
    found
}

/// A request that the gateway sent to a container on a network that the gateway itself is not on.
struct Stray<'a> {
    network: &'a Text,
    at: Wall,
    words: Evidence,
}

/// The newest failed request of that kind. Where labels name no network, a container on several of them
/// is asked on any.
fn stray<'a>(
    scene: &Scene<'_>,
    chain: &Chain<'_>,
    theirs: &'a Container,
    ours: &BTreeSet<&Text>,
) -> Option<Stray<'a>> {
    chain.upstream.container.as_ref().filter(|id| **id == theirs.id)?;
    if ours.is_empty() {
        return None;
    }
    let elsewhere = |ip: IpAddr| {
        let other = theirs.ips.iter().find(|(name, own)| *own == ip && !ours.contains(name));
        other.map(|(name, _)| name)
    };
    let lines = scene
        .case
        .logs
        .since(scene.incident.window)
        .filter(|fact| fact.gateway.as_ref() == Some(&chain.gateway.id));
    let line = lines.rev().find_map(|fact| {
        let Some(Address::Tcp(asked)) = &fact.address else { return None };
        Some(Stray { network: elsewhere(asked.ip())?, at: fact.at, words: Scene::quote(fact) })
    });
    let own = scene.case.access.entries.iter().rev().filter(|entry| {
        entry.gateway == chain.gateway.id
            && entry.status >= 500
            && entry.at >= scene.incident.window
    });
    let request = || {
        own.into_iter().find_map(|entry| {
            let asked = entry.upstream_addr.as_ref()?.raw();
            let asked = asked.split_once("://").map_or(asked, |(_, rest)| rest);
            let asked = asked.split('/').next().unwrap_or_default();
            let Some(Address::Tcp(at)) = Address::parse(asked, 80) else { return None };
            let network = elsewhere(at.ip())?;
            let what = format!("{} for \"{}\", asked at {at}", entry.status, entry.request);
            let words =
                Evidence { what, origin: Origin::File(entry.log.clone()), at: Some(entry.at) };
            Some(Stray { network, at: entry.at, words })
        })
    };
    line.or_else(request)
}

fn strayed<'a>(
    scene: &Scene<'a>,
    chain: &Chain<'a>,
    theirs: &Container,
    ours: &BTreeSet<&Text>,
    stray: Stray<'_>,
) -> Finding {
    let mut shared = theirs.ips.iter().map(|(name, _)| name).filter(|name| ours.contains(name));
    let network = stray.network;
    let summary = format!(
        "the gateway asks container {} on the network {network}, which the gateway is not on",
        theirs.name
    );
    let mut subject = scene.subject_of(chain);
    subject.container = Some((theirs.id.clone(), theirs.name.clone()));
    let all: Vec<String> = theirs.ips.iter().map(|(name, ip)| format!("{name} ({ip})")).collect();
    Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .about(subject)
        .with(
            format!("its networks: {}, and no label says which one to take", all.join(", ")),
            Origin::Docker(theirs.id.clone()),
            None,
        )
        .with_some(Some(stray.words))
        .since(Some(stray.at))
        .check(match shared.next() {
            Some(name) => {
                format!("say which network is meant: the label traefik.docker.network={name}")
            }
            None => {
                format!("put both on one network: docker network connect NETWORK {}", theirs.name)
            }
        })
}

fn networks(container: &Container) -> BTreeSet<&Text> {
    container.ips.iter().map(|(network, _)| network).collect()
}
