//! Packet filter rules that hit the TCP addresses behind gateways.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::{
    AttentionWatch, Closed, Outlet, lookup,
    sweep::{Blindness, pause},
};
use crate::{
    host::{
        clock,
        firewall::{self, Hit, Packet, Path, Ruleset},
        netlink, netns, nettables,
    },
    observation::{
        Address, Boot, FirewallRule, FirewallTable, GatewayId, NetNs, ResolutionOutcome, Seen, Text,
    },
    session::{Attention, GatewayView},
};

/// Pause between two readings.
const PAUSE: Duration = Duration::from_secs(30);
/// A reading may take this part of the time (1/n).
const SHARE: u32 = 300;
/// Seconds for which a reading answers a changed attention.
const FRESH: u64 = 5;
/// Longest wait for a name.
const NAME_DEADLINE: Duration = Duration::from_millis(400);
/// Most names and most packets tried.
const MOST: usize = 1_024;

/// Publishes [`Seen::Firewall`] with the rules that hit targets, when they change.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut published: Option<FirewallTable> = None;
    let mut reading: Option<Reading> = None;
    let mut swept = None;
    loop {
        let wanted = attention.borrow_and_update().clone();
        let own = netns::own().unwrap_or_default();
        let packets = packets(&wanted, own).await;
        let mut cost = Duration::ZERO;
        if !packets.is_empty() {
            let now = clock::now().boot;
            if reading.as_ref().is_none_or(|r| now.secs_since(r.at) >= FRESH) {
                let (rules, problems) = firewall::read().await;
                let mut blind = Blindness::default();
                for problem in problems {
                    let hides = "whether a firewall drops or rejects connections to an upstream";
                    blind.add(problem.what, &problem.why, hides, problem.grant);
                }
                reading = Some(Reading { rules, blind, at: now });
            }
            if let Some(reading) = &reading {
                let mut table = table(&reading.rules, &packets, own).await;
                // Rules that could not be read may hold them.
                let whole = reading.blind == Blindness::default();
                table.docker_chains = whole.then(|| reading.rules.has_chain("docker"));
                if published.as_ref() != Some(&table) {
                    published = Some(table.clone());
                    outlet.publish(Seen::Firewall(table)).await?;
                }
                told.replace(reading.blind.clone(), &outlet).await?;
            }
            cost = Duration::from_micros(clock::now().boot.0.saturating_sub(now.0));
        }
        if swept != Some(wanted.generation) {
            outlet.swept(wanted.generation).await?;
            swept = Some(wanted.generation);
        }
        pause(&outlet, &mut attention, PAUSE.max(cost * SHARE)).await?;
    }
}

struct Reading {
    rules: Ruleset,
    blind: Blindness,
    at: Boot,
}

/// What a gateway would send first to each address behind it.
async fn packets(attention: &Attention, own: NetNs) -> Vec<Packet> {
    let gateways: BTreeMap<&GatewayId, &GatewayView> =
        attention.gateways.iter().map(|g| (&g.id, g)).collect();
    let local: BTreeSet<IpAddr> = netlink::local_addresses()
        .unwrap_or_else(|_| nettables::local_addresses("self"))
        .into_iter()
        .collect();
    let names: BTreeSet<(&GatewayId, &Text)> = attention
        .targets
        .iter()
        .filter_map(|t| match &t.address {
            Address::Name { host, .. } => Some((&t.gateway, host)),
            _ => None,
        })
        .take(MOST)
        .collect();
    let lookups: Vec<(Option<GatewayView>, GatewayId, Text)> = names
        .into_iter()
        .map(|(id, host)| (gateways.get(id).map(|g| (*g).clone()), id.clone(), host.clone()))
        .collect();
    let found: BTreeMap<(GatewayId, Text), ResolutionOutcome> = stream::iter(lookups)
        .map(|(gateway, id, host)| async move {
            let outcome = lookup::own(gateway.as_ref(), host.raw(), own, NAME_DEADLINE).await;
            ((id, host), outcome)
        })
        .buffer_unordered(64)
        .collect()
        .await;
    let mut packets = Vec::new();
    for target in &attention.targets {
        let gateway = gateways.get(&target.gateway).copied();
        let addresses = match &target.address {
            Address::Tcp(address) => vec![*address],
            Address::Name { host, port } => {
                match found.get(&(target.gateway.clone(), host.clone())) {
                    Some(ResolutionOutcome::Found(ips)) => {
                        ips.iter().map(|ip| SocketAddr::new(*ip, *port)).collect()
                    }
                    _ => Vec::new(),
                }
            }
            Address::Unix(_) => Vec::new(),
        };
        for address in addresses {
            let packet = packet(address, gateway, own, &local);
            if let Some(packet) = packet.filter(|p| packets.len() < MOST && !packets.contains(p)) {
                packets.push(packet);
            }
        }
    }
    packets
}

/// `None` for the loopback of another namespace, whose rules are not ours.
fn packet(
    address: SocketAddr,
    gateway: Option<&GatewayView>,
    own: NetNs,
    local: &BTreeSet<IpAddr>,
) -> Option<Packet> {
    let to = address.ip().to_canonical();
    let foreign = gateway.and_then(|g| g.netns).is_some_and(|netns| netns != own);
    if foreign && to.is_loopback() {
        return None;
    }
    Some(Packet {
        to,
        port: address.port(),
        local: to.is_loopback() || local.contains(&to),
        uid: gateway.filter(|_| !foreign).and_then(|g| g.worker_uid),
        path: if foreign { Path::Foreign } else { Path::Own },
    })
}

/// Every rule once, with all addresses that it hits.
async fn table(rules: &Ruleset, packets: &[Packet], netns: NetNs) -> FirewallTable {
    let mut hits: Vec<(Hit, SocketAddr)> = Vec::new();
    for packet in packets {
        let address = SocketAddr::new(packet.to, packet.port);
        hits.extend(rules.hits(packet).into_iter().map(|hit| (hit, address)));
    }
    let mut all: Vec<(Hit, BTreeSet<SocketAddr>)> = Vec::new();
    for (hit, address) in hits {
        match all.iter_mut().find(|(known, _)| *known == hit) {
            Some((_, addresses)) => drop(addresses.insert(address)),
            None => all.push((hit, BTreeSet::from([address]))),
        }
    }
    let (mut hits, addresses): (Vec<Hit>, Vec<_>) = all.into_iter().unzip();
    firewall::describe(&mut hits).await;
    let rules = hits.into_iter().zip(addresses).map(|(hit, addresses)| FirewallRule {
        chain: hit.chain,
        text: hit.text,
        verdict: hit.verdict,
        hits: addresses.into_iter().collect(),
        packets: hit.packets,
    });
    FirewallTable { netns, rules: rules.collect(), docker_chains: None }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{observation::SourceId, session::Event};

    #[tokio::test]
    async fn without_tcp_targets_no_tool_is_asked_and_the_generation_is_swept() {
        let (sender, mut queue) = mpsc::channel(64);
        let (_news, attention) = watch::channel(Arc::new(Attention::default()));
        tokio::spawn(run(Outlet::new(SourceId::Firewall, sender), attention));
        let Some(Event::Seen(first)) = queue.recv().await else { panic!("closed") };
        assert_eq!(first.seen, Seen::Swept { generation: 0 });
    }

    #[test]
    fn the_loopback_of_a_container_is_not_judged_by_the_hosts_rules() {
        let gateway = GatewayView {
            id: GatewayId(Text::new("g")),
            kind: crate::observation::GatewayKind::Nginx,
            pid: None,
            netns: Some(NetNs(2)),
            root: Text::default(),
            worker_uid: Some(33),
            worker_gids: vec![],
            container: None,
            controls: Vec::new(),
        };
        let of =
            |text: &str| packet(text.parse().unwrap(), Some(&gateway), NetNs(1), &BTreeSet::new());
        assert_eq!(of("127.0.0.1:80"), None);
        let forwarded = of("172.18.0.3:80").unwrap();
        assert_eq!((forwarded.path, forwarded.uid), (Path::Foreign, None));
    }
}
