//! Where Traefik reaches a container: its address on one network, and a port.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use crate::observation::{
    Address, ClaimKind, Container, ContainerId, ContainerState, Gateway, LabelProvider, Text, Wall,
};

/// A container that ended longer ago than this, and well, was put away.
const LATELY_SECS: i64 = 3_600;

/// What decides where a container is reached.
pub(super) struct Ground<'a> {
    pub(super) provider: &'a LabelProvider,
    pub(super) gateway: Option<&'a Gateway>,
    pub(super) containers: &'a BTreeMap<ContainerId, Container>,
    pub(super) now: Wall,
}

/// A server that a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// `None` where only the gateway's own name service knows it. A container that does not run has
    /// no address: then it is its name.
    pub(super) address: Option<Address>,
    /// What is doubtful about it, in words.
    pub(super) doubt: Option<String>,
}

impl Ground<'_> {
    /// Whether the engine that is asked is one of this host.
    pub(super) fn is_near(&self) -> bool {
        let endpoint = self.provider.endpoint.raw();
        let Some((scheme, rest)) = endpoint.split_once("://") else { return true };
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        scheme == "unix"
            || host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            // Mostly a container that hands on what is asked of the engine's socket.
            || self.containers.values().any(|container| container.is_named(&Text::new(host)))
    }

    /// Whether a container belongs to what is meant to be served: one that was put away does not.
    /// Traefik itself takes only those that run.
    pub(super) fn is_meant(&self, container: &Container) -> bool {
        match container.state {
            ContainerState::Running | ContainerState::Paused | ContainerState::Restarting => true,
            ContainerState::Created => !container.error.is_empty(),
            ContainerState::Exited => {
                let stopped = matches!(container.exit_code, None | Some(0 | 130 | 137 | 143));
                let lately =
                    container.finished.is_some_and(|at| self.now.since(at).as_secs() < LATELY_SECS);
                !stopped || container.oom_killed || lately
            }
            ContainerState::Other => false,
        }
    }

    /// The port that is named, else the lowest that is exposed.
    pub(super) fn port(container: &Container, named: &str) -> Result<u16, String> {
        if !named.is_empty() {
            let port = named.parse().ok().filter(|port| *port > 0);
            return port.ok_or_else(|| format!("\"{named}\" is no port"));
        }
        let exposed = container.claims.iter().filter(|claim| claim.kind == ClaimKind::Binding);
        let exposed = exposed.filter_map(|claim| claim.address.port());
        let published = container.ports.iter().map(|binding| binding.container_port);
        exposed.chain(published).min().ok_or_else(|| {
            "it exposes no port, and no label names one (loadbalancer.server.port): Traefik leaves it \
             out"
                .to_owned()
        })
    }

    /// Where a port of a container is reached.
    pub(super) fn spot(&self, container: &Container, network: &str, port: u16) -> Spot {
        let at = |ip: IpAddr| Spot { address: Some(Address::Tcp((ip, port).into())), doubt: None };
        if self.provider.binds_host_port {
            let bound = container.ports.iter().filter(|b| b.container_port == port);
            if let Some(bound) = bound.filter(|b| !b.host_ip.is_unspecified()).min() {
                let address = Address::Tcp((bound.host_ip, bound.host_port).into());
                return Spot { address: Some(address), doubt: None };
            }
        }
        let network = if network.is_empty() { self.provider.network.raw() } else { network };
        let wanted = |ips: &[(Text, IpAddr)]| ip_on(ips, |name| name.raw() == network);
        if let Some(ip) = wanted(&container.ips).filter(|_| !network.is_empty()) {
            return at(ip);
        }
        if container.host_network {
            // In a container of its own, Traefik asks its name service for the host.
            return match self.gateway.map(|gateway| self.lives_on_host(gateway)) {
                Some(true) => at(Ipv4Addr::LOCALHOST.into()),
                _ => Spot { address: None, doubt: None },
            };
        }
        let holder = container.network_of.as_ref().and_then(|id| self.containers.get(id));
        let ips = holder.map_or(&container.ips, |holder| &holder.ips);
        let networks: BTreeSet<&Text> = ips.iter().map(|(name, _)| name).collect();
        let own = self.own_networks();
        let shared = ip_on(ips, |name| own.contains(name));
        let Some(ip) = shared.or_else(|| ip_on(ips, |_| true)) else {
            let host = container.name.clone();
            return Spot { address: Some(Address::Name { host, port }), doubt: None };
        };
        let list = || networks.iter().map(|name| name.raw()).collect::<Vec<_>>().join(", ");
        let unreachable = !own.is_empty() && networks.iter().any(|name| !own.contains(name));
        let doubt = if !network.is_empty() {
            Some(format!(
                "it is on no network \"{network}\" but on {}: Traefik takes any of them (a network of \
                 Compose begins with the project's name)",
                list()
            ))
        } else if networks.len() > 1 && unreachable {
            Some(format!(
                "it is on several networks ({}) and no label says which one Traefik takes: it may be \
                 one that Traefik is not on (traefik.docker.network)",
                list()
            ))
        } else {
            None
        };
        Spot { doubt, ..at(ip) }
    }

    /// Networks of the gateway's own container; none where it shares the host's.
    fn own_networks(&self) -> BTreeSet<&Text> {
        let own = self.gateway.and_then(|gateway| gateway.container.as_ref());
        let own = own.and_then(|id| self.containers.get(id));
        own.into_iter().flat_map(|container| &container.ips).map(|(name, _)| name).collect()
    }

    fn lives_on_host(&self, gateway: &Gateway) -> bool {
        let own = gateway.container.as_ref();
        own.is_none_or(|id| self.containers.get(id).is_some_and(|container| container.host_network))
    }
}

/// An address on one of some networks, of the fourth version where there is one.
fn ip_on(ips: &[(Text, IpAddr)], wanted: impl Fn(&Text) -> bool) -> Option<IpAddr> {
    let fitting = || ips.iter().filter(|(name, _)| wanted(name)).map(|(_, ip)| *ip);
    fitting().find(IpAddr::is_ipv4).or_else(|| fitting().next())
}
