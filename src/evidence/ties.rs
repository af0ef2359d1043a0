//! Which backend a line is about that names none: by what the same thread said just before, and by
//! what the configuration leaves possible.

use std::collections::BTreeMap;

use crate::observation::{Address, ConfiguredUpstream, GatewayConfig, Origin, Text, Wall};

use super::gateway_line::Hint;

/// Threads that are remembered.
const THREADS: usize = 2_000;
/// A thread's lines about one request lie this close together, in seconds.
const CLOSE: i64 = 2;

/// What each thread of each log spoke of last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ties {
    threads: BTreeMap<(Origin, u32, Option<u64>), (Wall, Address)>,
}

impl Ties {
    /// Remembers the address of a line, or finds that of a line without one. Only what is beyond
    /// doubt is told: one address, not one of several.
    pub(super) fn address(
        &mut self,
        origin: &Origin,
        at: Wall,
        hint: &Hint,
        named: Option<&Address>,
        config: Option<&GatewayConfig>,
    ) -> Option<Address> {
        let key = hint.thread.map(|(pid, tid)| (origin.clone(), pid, tid));
        if let Some(named) = named {
            if let Some(key) = key {
                if self.threads.len() >= THREADS {
                    self.threads.clear();
                }
                self.threads.insert(key, (at, named.clone()));
            }
            return None;
        }
        if !hint.about_backend {
            return None;
        }
        if let Some((group, name)) = &hint.member {
            return member(config?, group.raw(), name.as_ref().map(Text::raw));
        }
        let said = key.and_then(|key| self.threads.get(&key));
        let said = said.filter(|(then, _)| at.since(*then).as_secs().abs() <= CLOSE);
        if let Some((_, address)) = said {
            return Some(address.clone());
        }
        let mut left: Vec<&Address> = config?
            .upstreams
            .iter()
            .filter(|upstream| fits(upstream, hint))
            .filter_map(|upstream| upstream.address.as_ref())
            .collect();
        left.sort_unstable();
        left.dedup();
        match left.as_slice() {
            [one] => Some((*one).clone()),
            _ => None,
        }
    }
}

fn fits(upstream: &ConfiguredUpstream, hint: &Hint) -> bool {
    let spoken = hint.protocols.is_none_or(|all| all.contains(&upstream.protocol));
    let host = hint.host.as_ref().is_none_or(|host| match &upstream.address {
        // What Apache calls a backend behind a unix socket.
        Some(Address::Unix(_)) => host.raw() == "httpd-UDS" || host.raw() == "localhost",
        Some(Address::Tcp(at)) => at.ip().to_string() == host.raw(),
        Some(Address::Name { host: own, .. }) => own.raw().eq_ignore_ascii_case(host.raw()),
        None => false,
    });
    // A path tells only where locations are plain.
    let path = hint.path.as_ref().is_none_or(|path| {
        upstream.routes.iter().any(|route| {
            let location = route.location.raw();
            !location.starts_with('/') || path.raw().starts_with(location)
        })
    });
    let site = hint.site.as_ref().is_none_or(|site| {
        upstream.routes.iter().any(|route| {
            let own = |name: &Text| {
                let name = name.raw();
                let below = name.strip_prefix('*').is_some_and(|end| site.raw().ends_with(end));
                below || name.eq_ignore_ascii_case(site.raw())
            };
            route.server_names.is_empty() || route.server_names.iter().any(own)
        })
    });
    spoken && host && path && site
}

/// The address of a server by the names of its group and its own; without its own, that of the
/// only one in the group.
pub(super) fn member(config: &GatewayConfig, group: &str, name: Option<&str>) -> Option<Address> {
    let mut found = config.upstreams.iter().filter(|upstream| {
        upstream.group.as_ref().is_some_and(|own| own.raw() == group)
            && name.is_none_or(|name| upstream.params.is_called(name))
    });
    let first = found.next()?;
    found.next().is_none().then(|| first.address.clone()).flatten()
}
