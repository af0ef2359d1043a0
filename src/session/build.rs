//! From a case to what the sources should watch.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnosis::Scene,
    evidence::{
        CaseFile,
        topology::{Chain, Peer, PeerState},
    },
    observation::{Address, ContainerId, LogTarget, NetNs, Protocol, SourceId, UnitName},
};

use super::{Attention, ConfigFile, GatewayView, Target};

/// Most processes watched.
const PIDS: usize = 4_096;
/// Most upstream addresses watched.
const TARGETS: usize = 20_000;
/// Most files of configurations watched.
const CONFIG_FILES: usize = 4_096;

/// What a case calls for, with the generation of `previous` where nothing changed.
pub(super) fn attention(scene: &Scene<'_>, previous: &Attention) -> Attention {
    let case = scene.case;
    let mut next = Attention {
        generation: previous.generation,
        gateways: case.gateways.values().map(|gateway| view(case, gateway)).collect(),
        targets: targets(scene),
        config_files: config_files(case),
        logs: logs(case),
        units: units(scene),
        containers: containers(scene),
        pids: pids(scene),
        namespaces: namespaces(case),
    };
    if next != *previous {
        next.generation = previous.generation.saturating_add(1);
    }
    next
}

fn view(case: &CaseFile, gateway: &crate::observation::Gateway) -> GatewayView {
    GatewayView {
        id: gateway.id.clone(),
        kind: gateway.kind,
        pid: gateway.workers.first().copied().or(gateway.master),
        netns: gateway.netns,
        root: gateway.root.clone(),
        worker_uid: gateway.worker_uid,
        worker_gids: gateway.worker_gids.clone(),
        container: gateway.container.clone(),
        controls: case.configs.get(&gateway.id).map(|c| c.controls.clone()).unwrap_or_default(),
    }
}

fn targets(scene: &Scene<'_>) -> Vec<Target> {
    let mut list: BTreeSet<Target> = BTreeSet::new();
    for chain in &scene.chains {
        if list.len() >= TARGETS {
            break;
        }
        let target = |address: &Address| Target {
            gateway: chain.gateway.id.clone(),
            address: address.clone(),
            protocol: chain.upstream.protocol,
            resolver: chain.upstream.resolver.clone(),
            per_request: chain.upstream.per_request,
            ask_tls: chain.upstream.protocol.is_tls() || speaks_tls_perhaps(scene, chain),
            tls_name: chain.upstream.tls.name.clone(),
            sends_name: chain.upstream.tls.sends_name,
            saturated: is_filling(chain),
        };
        match &chain.upstream.address {
            // The name of a container that does not run, by its labels.
            Some(Address::Name { .. }) if chain.upstream.container.is_some() => {}
            Some(address) => {
                list.insert(target(address));
            }
            // Where a variable decides, those that error lines name.
            None => list.extend(chain.peers.iter().map(|peer| target(&peer.address))),
        }
    }
    list.into_iter().collect()
}

/// Whether the backend closes connections before an answer, or says that TLS is what it wants: then
/// a greeting tells whether it speaks TLS, where the gateway speaks in the clear.
fn speaks_tls_perhaps<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> bool {
    const SIGNS: [&str; 4] = [
        "sym-closed-before-header",
        "sym-reset-before-header",
        "response-not-http",
        "tls-plain-to-https",
    ];
    chain.upstream.protocol == Protocol::Http
        && chain.state == PeerState::Up
        && scene.facts_on(chain, &SIGNS).next().is_some()
}

/// A queue above half its limit is left alone.
fn is_filling(chain: &Chain<'_>) -> bool {
    chain.peers.iter().filter_map(|p| p.listener).any(|l| match (l.queue, l.backlog) {
        (Some(queue), Some(backlog)) => queue > 0 && queue.saturating_mul(2) > backlog,
        _ => false,
    })
}

fn config_files(case: &CaseFile) -> Vec<ConfigFile> {
    let all = case.configs.iter().flat_map(|(id, config)| {
        let root = case.gateways.get(id).map(|gateway| gateway.root.clone()).unwrap_or_default();
        config.files.iter().map(move |path| ConfigFile {
            gateway: id.clone(),
            root: root.clone(),
            path: path.clone(),
        })
    });
    all.take(CONFIG_FILES).collect()
}

fn logs(case: &CaseFile) -> Vec<LogTarget> {
    let configured = case.configs.values().flat_map(|config| &config.logs);
    let all: BTreeSet<&LogTarget> = configured.chain(&case.found_logs).collect();
    all.into_iter().cloned().collect()
}

fn units(scene: &Scene<'_>) -> BTreeSet<UnitName> {
    let mut names: BTreeSet<UnitName> =
        scene.case.gateways.values().filter_map(|g| g.unit.clone()).collect();
    names.extend(scene.gateways().filter_map(|g| scene.unit_of_gateway(g)).map(|u| u.name.clone()));
    // What starts and stops the containers; systemd forgets a unit that is down and unused.
    if scene.blind(SourceId::Docker) || !scene.case.containers.is_empty() {
        names.extend(UnitName::new("docker.service").ok());
    }
    for chain in &scene.chains {
        for peer in &chain.peers {
            names.extend(peer.unit.map(|u| u.name.clone()));
            let down = peer.responsible_unit().filter(|unit| !unit.is_up());
            names.extend(down.into_iter().flat_map(|unit| unit.needs.iter().cloned()));
            names.extend(
                peer.candidates.iter().take(4).filter_map(|c| c.unit).map(|u| u.name.clone()),
            );
            // The log of a manager tells of its programs, its group holds them.
            let manager = peer.responsible_program().and_then(|p| scene.case.program(&p.id));
            names.extend(manager.and_then(|(manager, _)| manager.unit.clone()));
            let near = peer.nearby.iter().take(4).filter_map(|n| n.unit);
            names.extend(near.map(|u| u.name.clone()));
        }
    }
    names
}

fn containers(scene: &Scene<'_>) -> BTreeSet<ContainerId> {
    let behind = scene.chains.iter().flat_map(|c| &c.peers).filter_map(Peer::responsible_container);
    let gateways = scene.case.gateways.values().filter_map(|g| g.container.clone());
    behind.map(|c| c.id.clone()).chain(gateways).collect()
}

fn pids(scene: &Scene<'_>) -> BTreeSet<u32> {
    let case = scene.case;
    let mut pids: BTreeSet<u32> = BTreeSet::new();
    for gateway in case.gateways.values() {
        pids.extend(gateway.master);
        pids.extend(&gateway.workers);
    }
    for table in case.listeners.values() {
        for listener in &table.value.listeners {
            if pids.len() < PIDS {
                pids.extend(listener.pids.iter().take(4));
            }
        }
    }
    for chain in &scene.chains {
        // Of one that should serve and does not, its main process tells where it is.
        for unit in chain.peers.iter().filter_map(Peer::responsible_unit) {
            pids.extend(unit.main_pid);
        }
        for program in chain.peers.iter().filter_map(|p| p.responsible_program()) {
            pids.extend(program.tree.iter().take(16));
        }
    }
    pids
}

fn namespaces(case: &CaseFile) -> BTreeMap<NetNs, u32> {
    let mut all = BTreeMap::new();
    for gateway in case.gateways.values() {
        if let (Some(ns), Some(pid)) =
            (gateway.netns, gateway.workers.first().copied().or(gateway.master))
        {
            all.insert(ns, pid);
        }
    }
    for container in case.containers.values().filter(|c| c.pid_visible) {
        if let (Some(ns), Some(pid)) = (container.netns, container.pid) {
            all.entry(ns).or_insert(pid);
        }
    }
    all
}

/// Whether every one of `sources` has looked at everything that the newest attention asks for.
pub(super) fn swept(case: &CaseFile, sources: &[SourceId], generation: u64) -> Vec<SourceId> {
    sources
        .iter()
        .copied()
        .filter(|source| case.swept.get(source).is_none_or(|g| *g < generation))
        .collect()
}
