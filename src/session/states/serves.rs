//! Whom a unit or container serves: the routes that lead to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnosis::UpstreamRow,
    observation::{Owner, UpstreamId},
    session::Shown,
};

/// Routes of one owner that are named.
const NAMED: usize = 3;

/// What leads to a unit or container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The first upstreams that lead there, each with its first route in words:
    /// `shop.example.com /api`.
    pub routes: Vec<(UpstreamId, String)>,
    /// Upstreams that lead there, in all.
    pub upstreams: usize,
    /// Whether it is a gateway itself.
    pub gateway: bool,
}

impl Served {
    /// In one line: `shop.example.com /api and 2 more`.
    pub fn words(&self) -> String {
        let first = match self.routes.first() {
            Some((_, first)) => first.clone(),
            None if self.gateway => return "it is the gateway".to_owned(),
            None => return String::new(),
        };
        match self.upstreams.saturating_sub(1) {
            0 => first,
            more => format!("{first} and {more} more"),
        }
    }
}

/// What leads to each of these units and containers. Only theirs is looked up: there may be
/// thousands of upstreams.
pub fn serves(shown: &Shown<'_>, owners: &BTreeSet<Owner>) -> BTreeMap<Owner, Served> {
    let mut all: BTreeMap<Owner, Served> = BTreeMap::new();
    for gateway in &shown.diagnosis.gateways {
        let unit = gateway.unit.clone().map(Owner::Unit);
        let container = gateway.container.clone().map(Owner::Container);
        for owner in unit.into_iter().chain(container).filter(|owner| owners.contains(owner)) {
            all.entry(owner).or_default().gateway = true;
        }
    }
    for row in &shown.diagnosis.upstreams {
        let container = row.container.as_ref().map(|(id, _)| Owner::Container(id.clone()));
        let unit = || row.unit.clone().map(Owner::Unit);
        let program = || row.program.clone().map(Owner::Program);
        let Some(owner) =
            container.or_else(unit).or_else(program).filter(|owner| owners.contains(owner))
        else {
            continue;
        };
        let served = all.entry(owner).or_default();
        served.upstreams += 1;
        if served.routes.len() < NAMED {
            served.routes.push((row.id.clone(), route_words(shown, row)));
        }
    }
    all
}

/// The first route of an upstream in words, or its address where none is known.
fn route_words(shown: &Shown<'_>, row: &UpstreamRow) -> String {
    let config = shown.case.configs.get(&row.gateway);
    let upstream = config.and_then(|c| c.upstreams.iter().find(|u| u.id == row.id));
    let Some(route) = upstream.and_then(|u| u.routes.first()) else { return row.address.clone() };
    let name = route.server_names.first().map(ToString::to_string).unwrap_or_default();
    let words = format!("{name} {}", route.location);
    let words = words.trim();
    if words.is_empty() { row.address.clone() } else { words.to_owned() }
}
