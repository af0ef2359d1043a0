//! What a repair promises, and how far it reaches.

use std::{collections::BTreeSet, net::SocketAddr};

use crate::{
    diagnosis::{Diagnosis, UpstreamRow},
    evidence::CaseFile,
    observation::{Address, Gateway, GatewayId, Route, Text, UpstreamId},
    verification::{Clause, Expectation, Proof},
};

use super::{Action, Blast, Plan, UnitSetting};

/// Seconds within which a repair shows.
const WITHIN: u64 = 15;
/// Seconds for which it must last.
const STABLE: u64 = 10;
/// Answers in a row.
const TIMES: u8 = 3;
/// Routes that are asked.
const ROUTES: usize = 3;

/// What a plan is made for, by a finding or by a person.
pub(super) struct Concern<'a> {
    pub(super) case: &'a CaseFile,
    pub(super) diagnosis: &'a Diagnosis,
    /// Id of the cause that it is to cure; empty when a person asked for it.
    pub(super) cause: &'a str,
    /// Whom it concerns.
    pub(super) whom: String,
    /// Why it is done.
    pub(super) why: String,
    /// Upstreams that must work afterwards.
    pub(super) upstreams: Vec<UpstreamId>,
    /// A gateway that it concerns as a whole.
    pub(super) gateway: Option<GatewayId>,
    /// An address beside those of the upstreams.
    pub(super) instead: Option<Address>,
}

/// A plan with its promise.
pub(super) fn plan(remedy: &str, steps: Vec<Action>, concern: &Concern<'_>) -> Plan {
    let expect = expectation(&steps, concern);
    let blast = blast(&steps, concern);
    Plan {
        remedy: remedy.to_owned(),
        cause: concern.cause.to_owned(),
        whom: concern.whom.clone(),
        why: concern.why.clone(),
        steps,
        expect,
        blast,
    }
}

/// Upstreams that must work afterwards, with their gateways and addresses.
fn served(concern: &Concern<'_>) -> Vec<(GatewayId, Option<Address>)> {
    let configs = concern.case.configs.iter();
    let all = configs.flat_map(|(id, config)| config.upstreams.iter().map(move |u| (id, u)));
    all.filter(|(_, upstream)| concern.upstreams.contains(&upstream.id))
        .map(|(gateway, upstream)| (gateway.clone(), upstream.address.clone()))
        .collect()
}

fn expectation(steps: &[Action], concern: &Concern<'_>) -> Expectation {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut add = |clause: Clause| {
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    };
    for clause in steps.iter().flat_map(|step| of_step(step, concern)) {
        add(clause);
    }
    for clause in steps.iter().filter_map(|step| more_files(step, concern)) {
        add(clause);
    }
    if concern.cause == "proxy-not-running"
        && let Some(gateway) = &concern.gateway
    {
        add(Clause::GatewayRuns { gateway: gateway.clone() });
    }
    let within_secs = WITHIN;
    // Nobody serves afterwards who did not before: there is nobody to ask. Only a stop must last.
    if concern.cause.is_empty() && !steps.iter().any(serves) {
        let is_stop = steps.iter().any(|step| matches!(step, Action::StopUnit { .. }));
        let stable_secs = if is_stop { STABLE } else { 0 };
        return Expectation { within_secs, stable_secs, clauses, proofs: Vec::new() };
    }
    if concern.cause.is_empty() {
        let renewed = steps.iter().any(|step| matches!(step, Action::RestartGateway { .. }));
        let own = concern.case.gateways.values().filter(|g| !renewed && is_acted_on(g, steps));
        for gateway in own {
            add(Clause::GatewayRuns { gateway: gateway.id.clone() });
        }
    }
    let served = served(concern);
    if !steps.iter().any(|step| matches!(step, Action::EditFile(_))) {
        for (gateway, address) in &served {
            if let Some(address) = address {
                add(Clause::Listens { gateway: gateway.clone(), address: address.clone() });
            }
        }
    }
    let gateways: BTreeSet<&GatewayId> = served.iter().map(|(gateway, _)| gateway).collect();
    for id in gateways {
        let own = served.iter().filter(|(gateway, _)| gateway == id);
        let addresses = own.filter_map(|(_, address)| address.clone());
        let addresses = addresses.chain(concern.instead.clone()).collect();
        add(Clause::NoFailures { gateway: id.clone(), addresses });
    }
    let proofs = proofs(concern);
    if proofs.is_empty() && !concern.cause.is_empty() {
        add(Clause::CauseGone { cause: concern.cause.to_owned(), whom: concern.whom.clone() });
    }
    Expectation { within_secs, stable_secs: STABLE, clauses, proofs }
}

/// That a higher limit on open files reaches the process.
fn more_files(step: &Action, concern: &Concern<'_>) -> Option<Clause> {
    let Action::LimitUnit { unit, settings } = step else { return None };
    settings.iter().find(|setting| matches!(setting, UnitSetting::LimitNofile(_)))?;
    let above = concern.case.units.get(unit)?.limit_nofile?;
    Some(Clause::OpenFiles { unit: unit.clone(), above })
}

/// Whether something is to serve after a step that it touched.
const fn serves(step: &Action) -> bool {
    !matches!(
        step,
        Action::EnableUnit { .. } | Action::ResetFailed { .. } | Action::StopUnit { .. }
    )
}

/// What one step promises. What the others promise of the same plan is said by those.
fn of_step(step: &Action, concern: &Concern<'_>) -> Vec<Clause> {
    let asked = concern.cause.is_empty();
    match step {
        Action::StartUnit { unit } | Action::RestartUnit { unit } => {
            vec![Clause::UnitRuns { unit: unit.clone() }]
        }
        Action::ReloadUnit { unit } | Action::LimitUnit { unit, .. } if asked => {
            vec![Clause::UnitRuns { unit: unit.clone() }]
        }
        Action::StopUnit { unit } => vec![Clause::UnitStopped { unit: unit.clone() }],
        Action::EnableUnit { unit } if asked => vec![Clause::UnitEnabled { unit: unit.clone() }],
        Action::ResetFailed { unit } if asked => vec![Clause::NotFailed { unit: unit.clone() }],
        Action::RestartGateway { gateway, unit } => vec![
            Clause::UnitRuns { unit: unit.clone() },
            Clause::NewWorkers { gateway: gateway.clone() },
            Clause::NoEmerg { gateway: gateway.clone() },
        ],
        Action::ReloadGateway { gateway, .. } => vec![
            Clause::NewWorkers { gateway: gateway.clone() },
            Clause::NoEmerg { gateway: gateway.clone() },
        ],
        // It may be made again under another id.
        Action::ComposeUp { project, service, .. } => {
            vec![Clause::ServiceRuns { project: project.clone(), service: service.clone() }]
        }
        Action::StartProgram { call }
        | Action::RestartProgram { call }
        | Action::ReloadProgram { call } => {
            vec![Clause::ProgramRuns { program: call.program.clone() }]
        }
        step => {
            let container = step.container().map(|(container, name)| Clause::ContainerRuns {
                container: container.clone(),
                name: name.clone(),
            });
            container.into_iter().collect()
        }
    }
}

/// The requests that prove it: one for each upstream, what failed on its routes if something did.
/// For what a person asks more of the routes are asked, while there is room.
fn proofs(concern: &Concern<'_>) -> Vec<Proof> {
    let (mut first, mut more): (BTreeSet<Proof>, BTreeSet<Proof>) = Default::default();
    let ids = &concern.upstreams;
    for (gateway, config) in &concern.case.configs {
        for upstream in config.upstreams.iter().filter(|u| ids.contains(&u.id)) {
            let mut known = upstream.routes.iter().filter_map(|route| {
                let address = upstream.address.as_ref();
                let failed = address.and_then(|a| failed(concern, gateway, a, route));
                proof(gateway, route, failed)
            });
            first.extend(known.next());
            more.extend(known.take(ROUTES));
        }
        // A gateway that does not come up at all is proven by any of its sites.
        if concern.gateway.as_ref() == Some(gateway) && ids.is_empty() {
            let mut routes = config.upstreams.iter().flat_map(|u| &u.routes);
            first.extend(routes.find_map(|route| proof(gateway, route, None)));
        }
    }
    more.retain(|proof| concern.cause.is_empty() && !first.contains(proof));
    first.into_iter().chain(more).take(ROUTES).collect()
}

fn proof(gateway: &GatewayId, route: &Route, failed: Option<Text>) -> Option<Proof> {
    let (listen, tls) = listen(route)?;
    let path = failed.or_else(|| path_of(route))?;
    let (gateway, host) = (gateway.clone(), name(route));
    Some(Proof { gateway, listen, tls, host, path, times: TIMES })
}

/// What the newest GET that failed on a route asked for.
fn failed(
    concern: &Concern<'_>,
    gateway: &GatewayId,
    address: &Address,
    route: &Route,
) -> Option<Text> {
    let lines = concern.case.logs.facts.iter().rev();
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
    named(&route.server_names)
}

/// Virtual hosts as people are told of them.
pub(super) fn name_of(names: &[Text]) -> String {
    named(names).to_string()
}

fn named(names: &[Text]) -> Text {
    let plain = |name: &&Text| {
        let raw = name.raw();
        let part = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        !raw.is_empty() && raw != "_" && raw.bytes().all(part)
    };
    names.iter().find(plain).cloned().unwrap_or_else(|| Text::new("localhost"))
}

/// Where a route listens: the first address with TLS, else a plain one. A site with both mostly
/// redirects the plain one, and such an answer never reaches what is behind.
fn listen(route: &Route) -> Option<(SocketAddr, bool)> {
    let mut all: Vec<(SocketAddr, bool)> =
        route.listens.iter().filter_map(|text| parse_listen(text.raw())).collect();
    all.sort_by_key(|(_, tls)| !*tls);
    all.first().copied()
}

/// Where to ask a listener, and whether over TLS: `80`, `*:80`, `127.0.0.1:8080 ssl`, `[::]:80`,
/// `localhost:80`; not a unix socket.
pub fn parse_listen(text: &str) -> Option<(SocketAddr, bool)> {
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

/// What else leads to the unit, the container or the gateway that is acted on.
fn blast(steps: &[Action], concern: &Concern<'_>) -> Blast {
    if !steps.iter().any(Action::interrupts) {
        return Blast::default();
    }
    let units: Vec<_> = steps.iter().filter_map(Action::unit).collect();
    let programs: Vec<_> =
        steps.iter().filter_map(Action::program).map(|call| &call.program).collect();
    let containers: Vec<_> = steps.iter().filter_map(Action::container).map(|(id, _)| id).collect();
    // Whoever stops a gateway stops everything behind it.
    let gateways = concern.case.gateways.values().filter(|g| is_acted_on(g, steps));
    let gateways: Vec<&GatewayId> = gateways.map(|gateway| &gateway.id).collect();
    let ours = |row: &&UpstreamRow| {
        gateways.contains(&&row.gateway)
            || row.unit.as_ref().is_some_and(|unit| units.contains(&unit))
            || row.program.as_ref().is_some_and(|id| programs.contains(&id))
            || row.container.as_ref().is_some_and(|(id, _)| containers.contains(&id))
    };
    let rows = concern.diagnosis.upstreams.iter().filter(ours);
    let working: Vec<UpstreamId> =
        rows.filter(|row| works(row)).map(|row| row.id.clone()).collect();
    let mut sites = BTreeSet::new();
    for (id, config) in &concern.case.configs {
        for upstream in config.upstreams.iter().filter(|u| working.contains(&u.id)) {
            sites.extend(upstream.routes.iter().map(|route| name_of(&route.server_names)));
        }
        if gateways.contains(&id) && concern.case.gateways.get(id).is_some_and(|g| g.running) {
            sites.extend(config.sites.iter().map(|site| name_of(&site.names)));
        }
    }
    Blast { working, sites: sites.into_iter().collect() }
}

/// Whether a gateway's own unit or container is acted on.
fn is_acted_on(gateway: &Gateway, steps: &[Action]) -> bool {
    let unit = |step: &Action| step.unit().is_some() && step.unit() == gateway.unit.as_ref();
    let container = |step: &Action| {
        step.container().is_some_and(|(id, _)| Some(id) == gateway.container.as_ref())
    };
    steps.iter().any(|step| unit(step) || container(step))
}

/// Whether requests through an upstream succeed now, as far as is known.
pub(super) fn works(row: &UpstreamRow) -> bool {
    row.state == "up" && row.errors == 0
}
