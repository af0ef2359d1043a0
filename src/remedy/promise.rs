//! What a repair promises, and how far it reaches.

use std::{collections::BTreeSet, net::SocketAddr};

use crate::{
    observation::{Address, GatewayId, Route, Text, UpstreamId},
    verification::{Clause, Expectation, Proof, whom},
};

use super::{Action, Blast, Plan, propose::Bench};

/// Seconds within which a repair shows.
const WITHIN: u64 = 15;
/// Seconds for which it must last.
const STABLE: u64 = 10;
/// Answers in a row.
const TIMES: u8 = 3;
/// Routes that are asked.
const ROUTES: usize = 3;

/// A repair with its promise.
pub(super) fn plan(remedy: &str, steps: Vec<Action>, bench: &Bench<'_>) -> Plan {
    let expect = expectation(&steps, bench);
    let blast = blast(&steps, bench);
    Plan {
        remedy: remedy.to_owned(),
        cause: bench.finding.cause.to_owned(),
        whom: whom(&bench.finding.subject),
        why: bench.finding.summary.clone(),
        steps,
        expect,
        blast,
    }
}

/// Upstreams that suffer from the finding, with their gateways and addresses.
fn sufferers(bench: &Bench<'_>) -> Vec<(GatewayId, UpstreamId, Option<Address>)> {
    let ids = &bench.finding.subject.upstreams;
    let configs = bench.case.configs.iter();
    let all =
        configs.flat_map(|(gateway, config)| config.upstreams.iter().map(move |u| (gateway, u)));
    all.filter(|(_, u)| ids.contains(&u.id))
        .map(|(gateway, u)| (gateway.clone(), u.id.clone(), u.address.clone()))
        .collect()
}

fn expectation(steps: &[Action], bench: &Bench<'_>) -> Expectation {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut add = |clause: Clause| {
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    };
    let edits = steps.iter().any(|step| matches!(step, Action::EditFile(_)));
    for step in steps {
        match step {
            Action::StartUnit { unit } | Action::RestartUnit { unit } => {
                add(Clause::UnitRuns { unit: unit.clone() });
            }
            Action::RestartGateway { gateway, unit } => {
                add(Clause::UnitRuns { unit: unit.clone() });
                add(Clause::NewWorkers { gateway: gateway.clone() });
                add(Clause::NoEmerg { gateway: gateway.clone() });
            }
            Action::ReloadGateway { gateway, .. } => {
                add(Clause::NewWorkers { gateway: gateway.clone() });
                add(Clause::NoEmerg { gateway: gateway.clone() });
            }
            _ => {
                if let Some((container, name)) = step.container() {
                    add(Clause::ContainerRuns { container: container.clone(), name: name.clone() });
                }
            }
        }
    }
    if bench.finding.cause == "proxy-not-running"
        && let Some(gateway) = &bench.finding.subject.gateway
    {
        add(Clause::GatewayRuns { gateway: gateway.clone() });
    }
    let sufferers = sufferers(bench);
    if !edits {
        for (gateway, _, address) in &sufferers {
            if let Some(address) = address {
                add(Clause::Listens { gateway: gateway.clone(), address: address.clone() });
            }
        }
    }
    let gateways: BTreeSet<&GatewayId> = sufferers.iter().map(|(gateway, ..)| gateway).collect();
    for id in gateways {
        let own = sufferers.iter().filter(|(gateway, ..)| gateway == id);
        let addresses = own.filter_map(|(.., address)| address.clone());
        let addresses = addresses.chain(bench.finding.instead.clone()).collect();
        add(Clause::NoFailures { gateway: id.clone(), addresses });
    }
    let proofs = proofs(bench);
    if proofs.is_empty() {
        let cause = bench.finding.cause.to_owned();
        add(Clause::CauseGone { cause, whom: whom(&bench.finding.subject) });
    }
    Expectation { within_secs: WITHIN, stable_secs: STABLE, clauses, proofs }
}

/// The requests that failed, asked again: one for each upstream that suffers.
fn proofs(bench: &Bench<'_>) -> Vec<Proof> {
    let mut all: BTreeSet<Proof> = BTreeSet::new();
    for (gateway, config) in &bench.case.configs {
        let ids = &bench.finding.subject.upstreams;
        for upstream in config.upstreams.iter().filter(|u| ids.contains(&u.id)) {
            let known = upstream.routes.iter().find_map(|route| {
                let (listen, tls) = listen(route)?;
                let failed =
                    upstream.address.as_ref().and_then(|a| failed(bench, gateway, a, route));
                let path = failed.or_else(|| path_of(route))?;
                let host = name(route);
                let gateway = gateway.clone();
                Some(Proof { gateway, listen, tls, host, path, times: TIMES })
            });
            all.extend(known);
        }
        // A gateway that does not come up at all is proven by any of its sites.
        if bench.finding.subject.gateway.as_ref() == Some(gateway) && ids.is_empty() {
            let route = config.upstreams.iter().flat_map(|u| &u.routes).find_map(|route| {
                let (listen, tls) = listen(route)?;
                let path = path_of(route)?;
                let (gateway, host) = (gateway.clone(), name(route));
                Some(Proof { gateway, listen, tls, host, path, times: TIMES })
            });
            all.extend(route);
        }
    }
    all.into_iter().take(ROUTES).collect()
}

/// What the newest GET that failed on a route asked for.
fn failed(
    bench: &Bench<'_>,
    gateway: &GatewayId,
    address: &Address,
    route: &Route,
) -> Option<Text> {
    let lines = bench.case.logs.facts.iter().rev();
    let lines = lines.filter(|fact| {
        fact.gateway.as_ref() == Some(gateway) && fact.address.as_ref() == Some(address)
    });
    let here = |fact: &&crate::evidence::LogFact| {
        let server = fact.server.as_ref();
        server.is_none_or(|s| route.server_names.is_empty() || route.server_names.contains(s))
    };
    lines.filter(here).find_map(|fact| {
        let mut words = fact.request.as_ref()?.raw().split(' ');
        let (method, uri) = (words.next()?, words.next()?);
        // A query that is long, odd or holds a secret is left out.
        let path = if is_plain(uri) { uri } else { uri.split('?').next()? };
        (method == "GET" && is_plain(path)).then(|| Text::new(path))
    })
}

/// A path that can be asked for as it stands.
fn is_plain(path: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%+:@,=?&".contains(&b);
    path.starts_with('/') && path.len() <= 256 && path.bytes().all(part)
}

/// A path that the route's location matches.
fn path_of(route: &Route) -> Option<Text> {
    let location = route.location.raw();
    let path = location.strip_prefix("= ").or_else(|| location.strip_prefix("^~ "));
    let path = path.unwrap_or(location).trim();
    match path {
        "" => Some(Text::new("/")),
        path if is_plain(path) => Some(Text::new(path)),
        // What a regular expression matches is not guessed, but for the one that everybody has.
        path if path.contains(r"\.php") => Some(Text::new("/index.php")),
        _ => None,
    }
}

/// A name that reaches the virtual host.
fn name(route: &Route) -> Text {
    let plain = |name: &&Text| {
        let raw = name.raw();
        let part = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        !raw.is_empty() && raw != "_" && raw.bytes().all(part)
    };
    route.server_names.iter().find(plain).cloned().unwrap_or_else(|| Text::new("localhost"))
}

/// Where a route listens: the first address with TLS, else a plain one. A site with both mostly
/// redirects the plain one, and such an answer never reaches what is behind.
fn listen(route: &Route) -> Option<(SocketAddr, bool)> {
    let mut all: Vec<(SocketAddr, bool)> =
        route.listens.iter().filter_map(|text| parse_listen(text.raw())).collect();
    all.sort_by_key(|(_, tls)| !*tls);
    all.first().copied()
}

/// `80`, `*:80`, `127.0.0.1:8080 ssl`, `[::]:80`, `localhost:80`; not a unix socket.
fn parse_listen(text: &str) -> Option<(SocketAddr, bool)> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let mut tls = false;
    for word in words {
        tls |= word == "ssl";
        if word == "proxy_protocol" || word == "quic" {
            return None;
        }
    }
    let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    if let Ok(port) = first.parse::<u16>() {
        return Some((local(port), tls));
    }
    if let Some(port) = first.strip_prefix("*:").or_else(|| first.strip_prefix("localhost:")) {
        return Some((local(port.parse().ok()?), tls));
    }
    if let Address::Tcp(addr) = Address::parse(first, 80)? {
        let addr = match addr {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => local(v4.port()),
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port()))
            }
            other => other,
        };
        return Some((addr, tls));
    }
    None
}

/// What else leads to the unit or container that is acted on.
fn blast(steps: &[Action], bench: &Bench<'_>) -> Blast {
    if !steps.iter().any(Action::interrupts) {
        return Blast::default();
    }
    let units: Vec<_> = steps.iter().filter_map(Action::unit).collect();
    let containers: Vec<_> = steps.iter().filter_map(Action::container).map(|(id, _)| id).collect();
    let ours = |row: &&crate::diagnosis::UpstreamRow| {
        row.unit.as_ref().is_some_and(|unit| units.contains(&unit))
            || row.container.as_ref().is_some_and(|(id, _)| containers.contains(&id))
    };
    let working: Vec<UpstreamId> = bench
        .diagnosis
        .upstreams
        .iter()
        .filter(ours)
        .filter(|row| row.state == "up" && row.errors == 0)
        .map(|row| row.id.clone())
        .collect();
    let mut sites = BTreeSet::new();
    for config in bench.case.configs.values() {
        for upstream in config.upstreams.iter().filter(|u| working.contains(&u.id)) {
            sites.extend(upstream.routes.iter().map(|route| name(route).to_string()));
        }
    }
    Blast { working, sites: sites.into_iter().collect() }
}
