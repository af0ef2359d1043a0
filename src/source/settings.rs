//! Settings of the kernel, the ways out to what stands behind gateways, and the log in which
//! security modules write what they refuse.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::task::spawn_blocking;

use super::{
    AttentionWatch, Closed, Outlet, lookup,
    sweep::{Blindness, pause},
};
use crate::{
    host::{connect::From, files::Root, netns, routes, settings},
    observation::{
        Address, HostSettings, LogKind, LogTarget, NetNs, Place, Program, ResolutionOutcome, Seen,
        Text, Ways,
    },
    session::{Attention, GatewayView},
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(15);
/// Longest wait for a name.
const NAME_DEADLINE: Duration = Duration::from_millis(300);
/// Most names looked up.
const NAMES: usize = 64;
/// Longest wait for the kernel.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// Where auditd writes what SELinux and AppArmor refuse.
const AUDIT_LOG: &str = "/var/log/audit/audit.log";

/// Publishes [`Seen::Settings`] and [`Seen::Ways`] when they change.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Told::default();
    let mut swept = None;
    loop {
        let wanted = attention.borrow_and_update().clone();
        look(&outlet, &wanted, &mut told).await?;
        if swept.replace(wanted.generation) != Some(wanted.generation) {
            outlet.swept(wanted.generation).await?;
        }
        pause(&outlet, &mut attention, PAUSE).await?;
    }
}

/// What was published last.
#[derive(Default)]
struct Told {
    settings: Option<HostSettings>,
    ways: BTreeMap<NetNs, Ways>,
    blind: Blindness,
    audit: bool,
}

async fn look(outlet: &Outlet, wanted: &Attention, told: &mut Told) -> Result<(), Closed> {
    let own = netns::own().unwrap_or_default();
    let mut blind = Blindness::default();
    let gateways = wanted.gateways.clone();
    let looked = spawn_blocking(move || settings_of(&Root::default(), &gateways));
    match tokio::time::timeout(DEADLINE, looked).await.map_err(drop).and_then(|r| r.map_err(drop)) {
        Ok((found, audit)) => {
            if audit && !told.audit {
                told.audit = true;
                outlet.publish(Seen::LogFound(audit_log())).await?;
            }
            if told.settings.as_ref() != Some(&found) {
                told.settings = Some(found.clone());
                outlet.publish(Seen::Settings(found)).await?;
            }
        }
        Err(()) => {
            blind.add("kernel settings", "no answer in time", "what the kernel is set to", "");
        }
    }
    for (from, to) in destinations(wanted, own).await {
        let asked = spawn_blocking(move || routes::ways(from, own, &to));
        match tokio::time::timeout(DEADLINE, asked).await {
            Ok(Ok(Ok(ways))) => {
                if told.ways.get(&ways.netns) != Some(&ways) {
                    told.ways.insert(ways.netns, ways.clone());
                    outlet.publish(Seen::Ways(ways)).await?;
                }
            }
            other => {
                let why = match other {
                    Ok(Ok(Err(error))) => error.to_string(),
                    _ => "no answer in time".to_owned(),
                };
                let what = match from {
                    From::Here => "routes".to_owned(),
                    From::Inside { netns, .. } => {
                        format!("routes of network namespace {}", netns.0)
                    }
                };
                let grant = "run as root, or with CAP_SYS_ADMIN and CAP_SYS_PTRACE";
                blind.add(&what, &why, "where packets to upstreams would go", grant);
            }
        }
    }
    told.blind.replace(blind, outlet).await
}

/// Settings, and whether there is an audit log; blocking.
fn settings_of(root: &Root, gateways: &[GatewayView]) -> (HostSettings, bool) {
    let mut found = settings::read(root);
    for gateway in gateways {
        let label = gateway.pid.and_then(|pid| settings::confinement(root, pid));
        found.confined.extend(label.map(|label| (gateway.id.clone(), label)));
    }
    let confined = found.selinux_enforces.is_some() || !found.confined.is_empty();
    (found, confined && root.stat(AUDIT_LOG, true).is_ok())
}

fn audit_log() -> LogTarget {
    LogTarget {
        gateway: None,
        path: Text::new(AUDIT_LOG),
        root: Text::default(),
        kind: LogKind::Application(Program::Kernel),
        place: Place { file: Text::new(AUDIT_LOG), line: 0 },
    }
}

/// Addresses on other hosts that gateways pass requests to, by where they start from.
async fn destinations(wanted: &Attention, own: NetNs) -> Vec<(From, BTreeSet<SocketAddr>)> {
    let gateways: BTreeMap<_, &GatewayView> = wanted.gateways.iter().map(|g| (&g.id, g)).collect();
    let mut found: BTreeMap<From, BTreeSet<SocketAddr>> = BTreeMap::new();
    let mut names: BTreeSet<(From, _, &Text, u16)> = BTreeSet::new();
    for target in &wanted.targets {
        let from = lookup::from_of(gateways.get(&target.gateway).copied(), own);
        match &target.address {
            Address::Tcp(address) if !address.ip().is_loopback() => {
                let all = found.entry(from).or_default();
                if all.len() < routes::MOST {
                    all.insert(*address);
                }
            }
            Address::Name { host, port } if names.len() < NAMES => {
                names.insert((from, &target.gateway, host, *port));
            }
            _ => {}
        }
    }
    let owned: Vec<(From, Option<GatewayView>, Text, u16)> = names
        .into_iter()
        .map(|(from, id, host, port)| {
            (from, gateways.get(id).map(|g| (*g).clone()), host.clone(), port)
        })
        .collect();
    let mut lookups = stream::iter(owned)
        .map(|(from, gateway, host, port)| async move {
            (from, port, lookup::own(gateway.as_ref(), host.raw(), own, NAME_DEADLINE).await)
        })
        .buffer_unordered(NAMES);
    while let Some((from, port, outcome)) = lookups.next().await {
        let ResolutionOutcome::Found(ips) = outcome else { continue };
        let remote = ips.into_iter().filter(|ip| !ip.is_loopback());
        found.entry(from).or_default().extend(remote.map(|ip| SocketAddr::new(ip, port)));
    }
    found.into_iter().filter(|(_, to)| !to.is_empty()).collect()
}
