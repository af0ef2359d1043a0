//! Which lines of the gateways' logs are about which upstream, joined once for all rules.

use std::collections::HashMap;

use crate::{
    evidence::{CaseFile, LogFact, topology::Chain},
    observation::{Address, UpstreamId},
};

/// Lines by chain, and chains by address.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    by_id: HashMap<&'a UpstreamId, usize>,
    by_address: HashMap<Address, Vec<usize>>,
    /// For each chain, oldest first.
    by_chain: Vec<Vec<&'a LogFact>>,
}

impl<'a> Lines<'a> {
    pub(super) fn join(case: &'a CaseFile, chains: &[Chain<'a>]) -> Self {
        let by_id = chains.iter().enumerate().map(|(at, chain)| (&chain.upstream.id, at)).collect();
        let mut by_address: HashMap<Address, Vec<usize>> = HashMap::new();
        for (index, chain) in chains.iter().enumerate() {
            let configured = chain.upstream.address.iter();
            for address in configured.chain(chain.peers.iter().map(|peer| &peer.address)) {
                let at = by_address.entry(address.clone()).or_default();
                if at.last() != Some(&index) {
                    at.push(index);
                }
            }
        }
        let mut by_chain = vec![Vec::new(); chains.len()];
        for fact in case.logs.facts.iter() {
            let (Some(gateway), Some(address)) = (&fact.gateway, &fact.address) else { continue };
            for index in by_address.get(address).into_iter().flatten() {
                let own = chains.get(*index).is_some_and(|chain| chain.gateway.id == *gateway);
                if let Some(lines) = by_chain.get_mut(*index).filter(|_| own) {
                    lines.push(fact);
                }
            }
        }
        Self { by_id, by_address, by_chain }
    }

    /// The chain of an upstream, by index.
    pub(super) fn of_upstream(&self, id: &UpstreamId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Chains that have an address, by index.
    pub(super) fn at(&self, address: &Address) -> &[usize] {
        self.by_address.get(address).map_or(&[], Vec::as_slice)
    }

    /// Every line about one chain.
    pub(super) fn of_chain(&self, index: usize) -> &[&'a LogFact] {
        self.by_chain.get(index).map_or(&[], Vec::as_slice)
    }
}
