//! What must be known before probes can be planned: our addresses, the namespaces that we can
//! enter, and where names lead.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::task::spawn_blocking;

use crate::{
    host::{clock, netlink, netns, nettables, resolve},
    observation::{Address, Boot, GatewayId, NetNs, ResolutionOutcome, Text},
    session::{Attention, GatewayView, Target},
    source::lookup,
};

/// Longest time that names may take before a round goes on without them.
const NAMES_DEADLINE: Duration = Duration::from_millis(400);
/// Most names resolved.
const MOST_NAMES: usize = 64;
/// Seconds until names, namespaces and addresses are looked at again.
const GROUND_AGE: u64 = 30;
/// A name as one gateway looks it up.
pub(super) type Name = (GatewayId, Text);

/// What must be known to plan.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// Our own namespace.
    pub(super) own: NetNs,
    /// Addresses of our own interfaces.
    pub(super) local: BTreeSet<IpAddr>,
    /// Other namespaces that we can enter.
    pub(super) open: BTreeSet<NetNs>,
    /// What names lead to.
    pub(super) names: BTreeMap<Name, ResolutionOutcome>,
    /// When all of it was last learnt anew.
    pub(super) at: Option<Boot>,
}

impl Ground {
    /// Learns what the plan needs: new names and namespaces at once, all of them now and again.
    /// Says whether anything is other than before.
    pub(super) async fn survey(&mut self, attention: &Attention) -> bool {
        let now = clock::now().boot;
        let old = self.at.is_none_or(|at| now.secs_since(at) >= GROUND_AGE);
        let before = old.then(|| (self.names.clone(), self.open.clone()));
        let (was, lived) = (self.own, self.local.clone());
        if old {
            self.at = Some(now);
            self.names.clear();
            self.open.clear();
        }
        let gateways: BTreeMap<_, _> = attention.gateways.iter().map(|g| (&g.id, g)).collect();
        let mut hosts: BTreeMap<Name, &Target> = BTreeMap::new();
        for target in &attention.targets {
            let Address::Name { host, .. } = &target.address else { continue };
            let name = (target.gateway.clone(), host.clone());
            if hosts.len() < MOST_NAMES && !self.names.contains_key(&name) {
                hosts.entry(name).or_insert(target);
            }
        }
        let own = self.own;
        let lookups: FuturesUnordered<_> = hosts
            .into_iter()
            .map(|(name, target)| look_up(gateways.get(&name.0).copied(), name, target, own))
            .collect();
        let found: Vec<_> = lookups.collect().await;
        let looked_up = !found.is_empty();
        self.names.extend(found);
        let doors: Vec<(u32, NetNs)> = attention
            .gateways
            .iter()
            .filter_map(|g| Some((g.pid?, g.netns?)))
            .filter(|(_, netns)| *netns != self.own && !self.open.contains(netns))
            .collect();
        let enter = old || !doors.is_empty();
        if enter {
            let learnt = spawn_blocking(move || {
                let own = netns::own().unwrap_or_default();
                let local = netlink::local_addresses()
                    .unwrap_or_else(|_| nettables::local_addresses("self"));
                let opens = |(pid, ns): &(u32, NetNs)| netns::inside(*pid, *ns, || Ok(())).is_ok();
                let open: Vec<NetNs> = doors.iter().filter(|d| opens(d)).map(|d| d.1).collect();
                (own, local, open)
            });
            if let Ok((own, local, open)) = learnt.await {
                self.own = own;
                self.local = local.into_iter().collect();
                self.open.extend(open);
            }
        }
        match before {
            Some((names, open)) => {
                let same = (&names, &open, was, &lived)
                    == (&self.names, &self.open, self.own, &self.local);
                !same
            }
            None => looked_up || enter,
        }
    }
}

/// As the gateway does it: by its `resolver` where it asks that at every request.
async fn look_up(
    gateway: Option<&GatewayView>,
    name: Name,
    target: &Target,
    own: NetNs,
) -> (Name, ResolutionOutcome) {
    if let Some(server) = lookup::servers(target).first() {
        let from = lookup::from_of(gateway, own);
        let outcome = resolve::by_server(*server, name.1.raw(), from, NAMES_DEADLINE).await;
        if matches!(outcome, ResolutionOutcome::Found(_)) {
            return (name, outcome);
        }
    }
    let outcome = lookup::own(gateway, name.1.raw(), own, NAMES_DEADLINE).await;
    (name, outcome)
}
