//! Which connects the attention asks for: one per distinct address and place, however many
//! upstreams name it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use super::ground::Ground;
use crate::{
    host::{
        connect::{After, From, ServerName},
        files::Root,
    },
    observation::{Address, GatewayId, NetNs, Protocol, ResolutionOutcome},
    session::{Attention, GatewayView, Target},
};

/// Limit for addresses of this host.
const NEAR: Duration = Duration::from_millis(400);
/// Limit for all others.
const FAR: Duration = Duration::from_secs(1);

/// Where a connect starts and what it tries: its identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dial {
    /// Network namespace; zero for unix sockets, which do not care.
    pub(super) netns: NetNs,
    /// Mount namespace's root for unix sockets, empty for TCP.
    pub(super) root: String,
    /// A socket address or a path.
    pub(super) tried: Address,
}

impl Dial {
    /// The same on every process of the host.
    pub(super) fn key(&self) -> String {
        format!("{} {} {}", self.netns.0, self.root, self.tried)
    }
}

/// For whom a connect is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asker {
    pub(super) gateway: GatewayId,
    pub(super) target: Address,
    pub(super) same_namespace: bool,
}

/// One connect to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) dial: Dial,
    pub(super) from: From,
    pub(super) askers: BTreeSet<Asker>,
    pub(super) after: After,
    pub(super) limit: Duration,
    /// Whom a greeting is for.
    pub(super) server: ServerName,
    /// Why it must not be made, when that is so.
    pub(super) skip: Option<&'static str>,
}

/// All connects that the attention asks for, by identity.
pub(super) fn plan(attention: &Attention, ground: &Ground) -> BTreeMap<Dial, Job> {
    let gateways: BTreeMap<&GatewayId, &GatewayView> =
        attention.gateways.iter().map(|g| (&g.id, g)).collect();
    let mut jobs = BTreeMap::new();
    for target in &attention.targets {
        let gateway = gateways.get(&target.gateway).copied();
        for job in jobs_of(target, gateway, ground) {
            merge(&mut jobs, job);
        }
    }
    jobs
}

/// The same connect for several askers: the strictest skip wins, and a greeting, if anyone asks.
fn merge(jobs: &mut BTreeMap<Dial, Job>, job: Job) {
    match jobs.get_mut(&job.dial) {
        None => drop(jobs.insert(job.dial.clone(), job)),
        Some(known) => {
            known.skip = known.skip.or(job.skip);
            known.askers.extend(job.askers);
            if job.after == After::Greet && known.after != After::Greet {
                known.server = job.server;
            }
            known.after = match (known.after, job.after) {
                // A greeting answers more than watching; a backend that counts its connections
                // is held by neither.
                (After::Greet, _) | (_, After::Greet) => After::Greet,
                (After::Watch, After::Watch) => After::Watch,
                _ => After::Close,
            };
        }
    }
}

fn jobs_of(target: &Target, gateway: Option<&GatewayView>, ground: &Ground) -> Vec<Job> {
    match &target.address {
        Address::Unix(_) => vec![unix_job(target, gateway)],
        Address::Tcp(address) => vec![tcp_job(target, gateway, ground, *address)],
        Address::Name { host, port } => {
            match ground.names.get(&(target.gateway.clone(), host.clone())) {
                Some(ResolutionOutcome::Found(found)) if !found.is_empty() => found
                    .iter()
                    .map(|ip| tcp_job(target, gateway, ground, SocketAddr::new(*ip, *port)))
                    .collect(),
                _ => vec![Job {
                    skip: Some("the name does not resolve"),
                    ..job(target, target.address.clone(), true)
                }],
            }
        }
    }
}

fn job(target: &Target, tried: Address, same_namespace: bool) -> Job {
    let asker =
        Asker { gateway: target.gateway.clone(), target: target.address.clone(), same_namespace };
    Job {
        dial: Dial { netns: NetNs(0), root: String::new(), tried },
        from: From::Here,
        askers: BTreeSet::from([asker]),
        after: After::Close,
        limit: NEAR,
        server: server(target),
        skip: target.saturated.then_some("its accept queue is filling"),
    }
}

/// The name that the gateway means: its own setting, else the host of the address.
fn server(target: &Target) -> ServerName {
    let own = target.tls_name.as_ref().map(|name| name.raw().to_owned());
    let host = match &target.address {
        Address::Name { host, .. } => Some(host.raw().to_owned()),
        _ => None,
    };
    ServerName { name: own.or(host), said: target.sends_name }
}

/// A path is reached through the worker's root; the network namespace does not matter to it.
fn unix_job(target: &Target, gateway: Option<&GatewayView>) -> Job {
    let mut job = job(target, target.address.clone(), true);
    if let Some(gateway) = gateway {
        let through = |pid: u32| format!("/proc/{pid}/root");
        let own = gateway.pid.map(through).filter(|p| Root::new(p).stat("/", true).is_ok());
        job.dial.root = own.unwrap_or_else(|| gateway.root.raw().to_owned());
    }
    job
}

fn tcp_job(
    target: &Target,
    gateway: Option<&GatewayView>,
    ground: &Ground,
    address: SocketAddr,
) -> Job {
    let ip = address.ip().to_canonical();
    let elsewhere = gateway.and_then(|g| g.netns).filter(|netns| *netns != ground.own);
    let pid = gateway.and_then(|g| g.pid);
    let from = match (elsewhere, pid) {
        (Some(netns), Some(pid)) if ground.open.contains(&netns) => From::Inside { pid, netns },
        _ => From::Here,
    };
    let inside = from != From::Here;
    let mut job = job(target, Address::Tcp(address), inside || elsewhere.is_none());
    job.from = from;
    job.dial.netns = if inside { elsewhere.unwrap_or(ground.own) } else { ground.own };
    if elsewhere.is_some() && !inside && ip.is_loopback() {
        // Its loopback is not ours: a connect from here would answer another question.
        job.dial.netns = elsewhere.unwrap_or_default();
        job.skip = job.skip.or(Some("in another network namespace"));
    }
    let near = ip.is_loopback() || (!inside && ground.local.contains(&ip));
    job.limit = if near { NEAR } else { FAR };
    let counts = matches!(target.protocol, Protocol::Fastcgi | Protocol::Uwsgi | Protocol::Scgi);
    job.after = match () {
        () if counts => After::Close,
        () if target.ask_tls => After::Greet,
        () if near => After::Watch,
        () => After::Close,
    };
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{GatewayKind, Text};

    fn target(address: &str, protocol: Protocol) -> Target {
        Target {
            gateway: GatewayId(Text::new("g")),
            address: Address::parse(address, 80).unwrap(),
            protocol,
            resolver: None,
            per_request: false,
            ask_tls: false,
            tls_name: None,
            sends_name: false,
            saturated: false,
        }
    }

    fn gateway(netns: u64) -> GatewayView {
        GatewayView {
            id: GatewayId(Text::new("g")),
            kind: GatewayKind::Nginx,
            pid: Some(std::process::id()),
            netns: Some(NetNs(netns)),
            root: Text::default(),
            worker_uid: None,
            worker_gids: vec![],
            container: None,
            controls: Vec::new(),
        }
    }

    fn planned(targets: Vec<Target>, gateway: GatewayView, ground: &Ground) -> Vec<Job> {
        let attention = Attention { targets, gateways: vec![gateway], ..Attention::default() };
        plan(&attention, ground).into_values().collect()
    }

    fn ground() -> Ground {
        Ground { own: NetNs(1), ..Ground::default() }
    }

    #[test]
    fn two_hundred_upstreams_of_one_address_are_one_connect() {
        let mut targets = vec![target("127.0.0.1:8080", Protocol::Http); 200];
        targets.push(target("127.0.0.1:8080", Protocol::Fastcgi));
        let jobs = planned(targets, gateway(1), &ground());
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].after, After::Close, "a FastCGI backend is not held, even for others");
    }

    #[test]
    fn a_saturated_backend_is_left_alone_whoever_asks() {
        let busy = Target { saturated: true, ..target("127.0.0.1:8080", Protocol::Http) };
        let jobs =
            planned(vec![target("127.0.0.1:8080", Protocol::Http), busy], gateway(1), &ground());
        assert_eq!(jobs[0].skip, Some("its accept queue is filling"));
    }

    #[test]
    fn the_loopback_of_another_namespace_is_asked_from_inside_or_not_at_all() {
        let targets =
            || vec![target("127.0.0.1:1", Protocol::Http), target("10.0.0.1:1", Protocol::Http)];
        let jobs = planned(targets(), gateway(2), &ground());
        let said: Vec<_> = jobs
            .iter()
            .map(|j| {
                (j.skip.is_some(), j.from == From::Here, j.askers.first().unwrap().same_namespace)
            })
            .collect();
        assert!(said.contains(&(true, true, false)) && said.contains(&(false, true, false)));
        let open = Ground { open: BTreeSet::from([NetNs(2)]), ..ground() };
        for job in planned(targets(), gateway(2), &open) {
            assert!(job.skip.is_none() && job.from != From::Here);
            assert!(job.askers.first().unwrap().same_namespace);
        }
    }

    #[test]
    fn a_name_is_tried_at_every_address_and_an_unknown_one_is_named() {
        let mut ground = ground();
        let jobs = planned(vec![target("localhost:80", Protocol::Http)], gateway(1), &ground);
        assert_eq!(jobs[0].skip, Some("the name does not resolve"));
        let both = ["127.0.0.1", "::1"].map(|ip| ip.parse().unwrap()).to_vec();
        let name = (GatewayId(Text::new("g")), Text::new("localhost"));
        ground.names.insert(name, ResolutionOutcome::Found(both));
        let jobs = planned(vec![target("localhost:80", Protocol::Http)], gateway(1), &ground);
        assert_eq!(jobs.len(), 2);
        assert!(jobs.iter().all(|j| j.after == After::Watch && j.limit == NEAR));
    }
}
