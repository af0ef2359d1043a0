//! Gathers the upstreams of one gateway: one row for each address and protocol, with every route
//! that leads there.

use std::collections::{HashMap, HashSet};

use crate::observation::{
    Address, ConfiguredUpstream, Place, ProblemKind, Protocol, Resolver, Route, ServerParams, Text,
    UpstreamId,
};

use super::include::Problems;

/// Routes kept of one upstream.
const ROUTES: usize = 10_000;
/// Routes kept of all.
const ALL_ROUTES: usize = 200_000;
/// Upstreams kept.
const UPSTREAMS: usize = 100_000;

/// The line that names an address, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    /// Position in reading order.
    pub(super) index: usize,
    pub(super) place: Place,
    pub(super) address: Option<Address>,
    pub(super) written: Text,
    pub(super) group: Option<Text>,
    pub(super) group_size: u32,
    pub(super) params: ServerParams,
    pub(super) keepalive: u32,
    /// The group's own resolver.
    pub(super) resolver: Option<Resolver>,
    /// Whether a variable chooses it among others.
    pub(super) chosen: bool,
}

/// Upstreams by what makes them distinct.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    by_key: HashMap<(Option<Address>, Text, Protocol), usize>,
    found: Vec<(usize, ConfiguredUpstream)>,
    routes: usize,
    full: bool,
    /// Where each upstream is named without a variable.
    fixed: HashMap<usize, Place>,
}

impl Upstreams {
    /// Adds one route to an address. `rest` makes the upstream when it is new; its route is
    /// empty.
    pub(super) fn add(
        &mut self,
        naming: Naming,
        protocol: Protocol,
        per_request: bool,
        route: &Route,
        problems: &mut Problems,
        rest: impl FnOnce(Naming) -> ConfiguredUpstream,
    ) {
        // A server with a name of its own is regarded and logged by that name.
        let distinct = if naming.address.is_none() {
            naming.written.clone()
        } else if naming.params.name.is_empty() {
            Text::default()
        } else {
            let group = naming.group.as_ref().map(Text::raw).unwrap_or_default();
            Text::new(format!("{group}/{}", naming.params.name.raw()))
        };
        let key = (naming.address.clone(), distinct, protocol);
        let is_name = matches!(key.0, Some(Address::Name { .. }));
        let count = self.found.len();
        let at = *self.by_key.entry(key).or_insert(count);
        let found = rest(naming.clone());
        if at == count && count < UPSTREAMS {
            self.found.push((naming.index, found));
        } else if let Some((_, known)) = self.found.get_mut(at) {
            known.timeouts_differ |= known.timeouts.values() != found.timeouts.values();
            known.chosen &= found.chosen;
        }
        let all = self.routes;
        let Some((first, upstream)) = self.found.get_mut(at) else {
            self.too_much(problems, &route.place);
            return;
        };
        if is_name && !per_request && naming.group.is_none() {
            self.fixed.entry(at).or_insert_with(|| naming.place.clone());
        }
        upstream.per_request |= per_request;
        if naming.index < *first {
            *first = naming.index;
            upstream.place = naming.place;
            upstream.written = naming.written;
            upstream.group = naming.group;
            upstream.group_size = naming.group_size;
            upstream.params = naming.params;
            upstream.keepalive = naming.keepalive;
        }
        if upstream.routes.len() < ROUTES && all < ALL_ROUTES {
            upstream.routes.push(route.clone());
            self.routes += 1;
        } else {
            self.too_much(problems, &route.place);
        }
    }

    /// Adds an address with all its routes; one that no route leads to is kept too.
    pub(super) fn add_all(
        &mut self,
        naming: Naming,
        protocol: Protocol,
        routes: &[Route],
        problems: &mut Problems,
        rest: impl Fn(Naming) -> ConfiguredUpstream,
    ) {
        for route in routes {
            self.add(naming.clone(), protocol, true, route, problems, &rest);
        }
        if routes.is_empty() {
            if self.found.len() < UPSTREAMS {
                self.found.push((naming.index, rest(naming)));
            } else {
                self.too_much(problems, &naming.place);
            }
        }
    }

    fn too_much(&mut self, problems: &mut Problems, place: &Place) {
        if !self.full {
            self.full = true;
            let what = "more upstreams or routes than are kept; the rest is left out";
            problems.add(ProblemKind::TooMuch, place.clone(), what);
        }
    }

    /// The upstreams in the order in which the configuration names them, with their ids.
    pub(super) fn finish(mut self, label: &str) -> Vec<ConfiguredUpstream> {
        for (at, place) in std::mem::take(&mut self.fixed) {
            // One place without a variable settles it for all (`ngx_http_upstream_init_request`).
            if let Some((_, upstream)) = self.found.get_mut(at).filter(|(_, u)| u.per_request) {
                upstream.per_request = false;
                upstream.fixed_by = Some(place);
            }
        }
        self.found.sort_by_key(|(index, _)| *index);
        let mut taken = HashSet::new();
        let mut out = Vec::with_capacity(self.found.len());
        for (_, mut upstream) in self.found {
            let place = &upstream.place;
            let base = format!("{label}:{}:{}", place.file.raw(), place.line);
            let mut id = base.clone();
            // Two addresses on one line are still two upstreams.
            for n in 2.. {
                if taken.insert(id.clone()) {
                    break;
                }
                id = format!("{base}#{n}");
            }
            upstream.id = UpstreamId(Text::new(id));
            out.push(upstream);
        }
        out
    }
}
