//! What every chain asks of a case, looked up instead of searched: a host may have ten thousand
//! upstreams, as many listeners and thousands of units.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use crate::{
    evidence::CaseFile,
    observation::{
        Address, Claim, GatewayId, Listener, ManagedProgram, NetNs, Owner, Process, Unit,
        UnitActive, UnitName,
    },
};

use super::{chain::serves, programs::Programs};

/// Up to so many listeners of a namespace each one is compared with an address that nobody
/// serves; of more, those that lead nowhere yet and those that are close by.
const ALL_AROUND: usize = 512;
/// Lines about addresses that a variable chose count for so long, in seconds.
const LATELY: i64 = 3_600;
/// Most addresses that are taken from lines.
const UNNAMED: usize = 32;
/// Of more than that, so many on either side by port that upstreams lead to already.
const BESIDE: usize = 32;

/// What an address must share with another to be the same place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    Port(u16),
    Path(Box<str>),
}

impl Spot {
    /// The one of an address.
    pub(super) fn of(address: &Address) -> Option<Self> {
        if let Some(path) = address.path() {
            return Some(Self::Path(same_path(path).into()));
        }
        address.port().map(Self::Port)
    }
}

/// `/var/run` is a link to `/run` everywhere that matters.
fn same_path(path: &str) -> &str {
    path.strip_prefix("/var").unwrap_or(path)
}

/// A socket that listens, with who holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) listener: &'a Listener,
    pub(super) process: Option<&'a Process>,
    pub(super) unit: Option<&'a Unit>,
    pub(super) program: Option<&'a ManagedProgram>,
    /// Whether an upstream of some gateway leads to it.
    pub(super) used: bool,
}

/// Things by the port or path of an address, in their order.
#[derive(Debug)]
struct Spots<'a, T> {
    ports: Vec<(u16, &'a T)>,
    paths: BTreeMap<&'a str, Vec<&'a T>>,
}

impl<'a, T> Spots<'a, T> {
    fn new(all: impl Iterator<Item = (&'a Address, &'a T)>) -> Self {
        let mut spots = Self { ports: Vec::new(), paths: BTreeMap::new() };
        for (address, thing) in all {
            if let Some(path) = address.path() {
                spots.paths.entry(same_path(path)).or_default().push(thing);
            } else if let Some(port) = address.port() {
                spots.ports.push((port, thing));
            }
        }
        spots.ports.sort_by_key(|(port, _)| *port);
        spots
    }

    fn at<'s>(&'s self, address: &Address) -> impl Iterator<Item = &'a T> + use<'s, 'a, T> {
        let paths = address.path().and_then(|path| self.paths.get(same_path(path)));
        let port = address.port().filter(|_| address.path().is_none());
        let from = port.map_or(self.ports.len(), |port| {
            self.ports.partition_point(|(other, _)| *other < port)
        });
        let ports = self.ports.iter().skip(from).take_while(move |(other, _)| Some(*other) == port);
        ports.map(|(_, thing)| *thing).chain(paths.into_iter().flatten().copied())
    }
}

/// The listeners of one namespace.
#[derive(Debug)]
struct Sockets<'a> {
    listeners: &'a [Listener],
    by_spot: Spots<'a, Listener>,
    near: OnceCell<Near<'a>>,
}

/// What is close by in one namespace; asked for only where an address does not answer.
#[derive(Debug, Default)]
struct Near<'a> {
    /// Those that may be meant instead of one that is missing, in the order of the table.
    around: Vec<Around<'a>>,
    /// Places in `around` by port.
    by_port: BTreeMap<u16, Vec<usize>>,
    /// Places in `around` that no upstream leads to.
    unused: Vec<usize>,
    /// Places in `around` by unit.
    by_unit: HashMap<&'a UnitName, Vec<usize>>,
}

/// A service with all that it says it serves.
type Claims<'a> = (&'a Unit, Vec<&'a Claim>);

/// The lookups of one case.
#[derive(Debug)]
pub(super) struct Index<'a> {
    case: &'a CaseFile,
    sockets: BTreeMap<NetNs, Sockets<'a>>,
    /// Addresses that upstreams lead to.
    used: OnceCell<Spots<'a, Address>>,
    claims: HashMap<Spot, Vec<Claims<'a>>>,
    unclaimed: Vec<&'a Unit>,
    /// Addresses that the error lines of each gateway named lately.
    logged: OnceCell<HashMap<&'a GatewayId, BTreeSet<&'a Address>>>,
    pub(super) programs: Programs<'a>,
}

impl<'a> Index<'a> {
    pub(super) fn new(case: &'a CaseFile) -> Self {
        let sockets = case.listeners.iter().map(|(netns, table)| {
            let listeners = table.value.listeners.as_slice();
            let stream = listeners.iter().filter(|listener| listener.stream);
            let by_spot = Spots::new(stream.map(|listener| (&listener.address, listener)));
            (*netns, Sockets { listeners, by_spot, near: OnceCell::new() })
        });
        Self {
            case,
            sockets: sockets.collect(),
            used: OnceCell::new(),
            claims: claims(case),
            unclaimed: unclaimed(case),
            logged: OnceCell::new(),
            programs: Programs::new(case),
        }
    }

    fn used(&self) -> &Spots<'a, Address> {
        self.used.get_or_init(|| {
            let upstreams = self.case.configs.values().flat_map(|config| &config.upstreams);
            let addresses = upstreams.filter_map(|upstream| upstream.address.as_ref());
            Spots::new(addresses.map(|address| (address, address)))
        })
    }

    fn logged(&self, gateway: &GatewayId) -> Option<&BTreeSet<&'a Address>> {
        let all = self.logged.get_or_init(|| {
            let mut all: HashMap<&GatewayId, BTreeSet<&Address>> = HashMap::new();
            let case = self.case;
            for fact in case.logs.since(case.now.wall.minus_secs(LATELY)) {
                if let (Some(gateway), Some(address)) = (&fact.gateway, &fact.address) {
                    all.entry(gateway).or_default().insert(address);
                }
            }
            all
        });
        all.get(gateway)
    }

    /// Whether an error line of the last hour is about an address.
    pub(super) fn is_logged(&self, gateway: &GatewayId, address: &Address) -> bool {
        self.logged(gateway).is_some_and(|all| all.contains(address))
    }

    /// Addresses that error lines of the last hour name and the configuration does not: where a
    /// variable decides, requests went there. Bounded.
    pub(super) fn unnamed(&self, gateway: &GatewayId) -> Vec<Address> {
        let Some(logged) = self.logged(gateway) else { return Vec::new() };
        let Some(config) = self.case.configs.get(gateway) else { return Vec::new() };
        let named = |address: &Address| {
            config.upstreams.iter().filter_map(|upstream| upstream.address.as_ref()).any(|known| {
                match known {
                    // Which addresses a name has had, nobody knows.
                    Address::Name { port, .. } => address.port() == Some(*port),
                    known => known == address,
                }
            })
        };
        let new = logged.iter().filter(|address| !named(address));
        new.take(UNNAMED).map(|address| (*address).clone()).collect()
    }

    /// The socket of a namespace that takes connects to an address.
    pub(super) fn listener(&self, netns: NetNs, address: &Address) -> Option<&'a Listener> {
        let sockets = self.sockets.get(&netns)?;
        sockets.by_spot.at(address).find(|listener| serves(listener, address))
    }

    /// Services with claims that may be of this address.
    pub(super) fn claims_at(&self, address: &Address) -> &[Claims<'a>] {
        let spot = Spot::of(address);
        spot.and_then(|spot| self.claims.get(&spot)).map_or(&[], Vec::as_slice)
    }

    /// Services that are down, are long-running by nature, and claim nothing.
    pub(super) fn unclaimed(&self) -> &[&'a Unit] {
        &self.unclaimed
    }

    /// Sockets that may be meant by an address that nobody serves, or belong to one of `units`.
    pub(super) fn around(
        &self,
        netns: NetNs,
        address: &Address,
        units: &[&UnitName],
    ) -> Vec<Around<'a>> {
        let Some(sockets) = self.sockets.get(&netns) else { return Vec::new() };
        let sockets = sockets.near.get_or_init(|| Near::new(self, sockets.listeners));
        if sockets.around.len() <= ALL_AROUND {
            return sockets.around.clone();
        }
        let mut places: BTreeSet<usize> = sockets.unused.iter().copied().collect();
        if let Some(port) = address.port() {
            let above = sockets.by_port.range(port..).take(BESIDE);
            let below = sockets.by_port.range(..port).rev().take(BESIDE);
            places.extend(above.chain(below).flat_map(|(_, places)| places));
        }
        places.extend(units.iter().filter_map(|name| sockets.by_unit.get(*name)).flatten());
        places.into_iter().filter_map(|place| sockets.around.get(place).copied()).collect()
    }
}

impl<'a> Near<'a> {
    fn new(index: &Index<'a>, listeners: &'a [Listener]) -> Self {
        let (case, programs, used) = (index.case, &index.programs, index.used());
        let gateways = case.gateways.values();
        let of_gateways: BTreeSet<u32> =
            gateways.flat_map(|g| g.master.iter().chain(&g.workers).copied()).collect();
        let mut sockets = Self::default();
        for listener in listeners.iter().filter(|listener| listener.stream) {
            if Spot::of(&listener.address).is_none() {
                continue;
            }
            let process = listener.pids.iter().find_map(|pid| case.processes.get(pid));
            let no_backend = process.is_some_and(is_infrastructure)
                || listener.pids.iter().any(|pid| of_gateways.contains(pid));
            if no_backend {
                continue;
            }
            let program = programs.holder(listener);
            let unit = process.filter(|_| program.is_none()).and_then(|p| match &p.owner {
                Some(Owner::Unit(name)) => case.units.get(name),
                _ => None,
            });
            let used = used.at(&listener.address).any(|at| serves(listener, at));
            let place = sockets.around.len();
            sockets.around.push(Around { listener, process, unit, program, used });
            match listener.address.port() {
                Some(port) => sockets.by_port.entry(port).or_default().push(place),
                // Paths are few, and what is beside a path is no matter of numbers.
                None => sockets.unused.push(place),
            }
            if !used {
                sockets.unused.push(place);
            }
            if let Some(unit) = unit {
                sockets.by_unit.entry(&unit.name).or_default().push(place);
            }
        }
        sockets
    }
}

fn claims(case: &CaseFile) -> HashMap<Spot, Vec<Claims<'_>>> {
    let mut all: HashMap<Spot, Vec<Claims<'_>>> = HashMap::new();
    for unit in case.units.values().filter(|unit| unit.name.is_service()) {
        // What a socket unit binds is served by the service that it triggers.
        let sockets = unit.triggered_by.iter().filter_map(|name| case.units.get(name));
        for claim in unit.claims.iter().chain(sockets.flat_map(|socket| &socket.claims)) {
            let Some(spot) = Spot::of(&claim.address) else { continue };
            let at = all.entry(spot).or_default();
            match at.last_mut().filter(|(last, _)| last.name == unit.name) {
                Some((_, claims)) => claims.push(claim),
                None => at.push((unit, vec![claim])),
            }
        }
    }
    all
}

fn unclaimed(case: &CaseFile) -> Vec<&Unit> {
    let fits = |unit: &&Unit| {
        unit.name.is_service()
            && matches!(unit.active, UnitActive::Failed | UnitActive::Activating)
            && unit.kind.raw() != "oneshot"
            && unit.claims.is_empty()
    };
    case.units.values().filter(fits).collect()
}

/// Programs that listen on nearly every host and are never an upstream meant by mistake.
fn is_infrastructure(process: &Process) -> bool {
    const NAMES: [&str; 22] = [
        "sshd",
        "systemd",
        "systemd-resolve",
        "dnsmasq",
        "rpcbind",
        "master",
        "exim4",
        "cupsd",
        "chronyd",
        "ntpd",
        "postgres",
        "mysqld",
        "mariadbd",
        "redis-server",
        "memcached",
        "dockerd",
        "containerd",
        "docker-proxy",
        "named",
        "unbound",
        "avahi-daemon",
        "rsyslogd",
    ];
    NAMES.contains(&process.name.raw())
}
