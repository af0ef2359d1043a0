//! A host made up for a test: what its sources would say, admitted into a case and judged.

use std::net::IpAddr;

use crate::{
    diagnosis::{Diagnosis, Finding, Scene, diagnose},
    evidence::{CaseFile, Signatures, admit, labels::read_labels},
    observation::{
        Access, AccessFormat, Address, BlindSpot, Boot, ConfiguredUpstream, Container,
        FirewallRule, FirewallTable, FirewallVerdict, Gateway, GatewayConfig, GatewayId,
        GatewayKind, HostSettings, Listener, ListenerTable, LogKind, LogTarget, Moment, NetNs,
        Observation, Owner, Place, Probe, ProbeOutcome, Process, Protocol, Resolution,
        ResolutionOutcome, Route, RouteOutcome, RunState, Seen, ServerParams, Setting, SocketFile,
        SocketFileKind, SourceId, Text, Timeouts, TlsAnswer, TlsFacts, Unit, UnitName, UpstreamId,
        UpstreamTls, Wall, Ways,
    },
};

pub(crate) use super::testing_parts::{ContainerSeen, UnitSeen, container, container_id, unit};

/// The present of every test, 2026-11-20 14:00:00 UTC.
pub(crate) const NOW: i64 = 1_795_183_200;
pub(crate) const ERROR_LOG: &str = "/var/log/nginx/error.log";
pub(crate) const ACCESS_LOG: &str = "/var/log/nginx/access.log";
const NETNS: NetNs = NetNs(1);

/// So many seconds ago.
pub(crate) fn ago(secs: i64) -> Wall {
    Wall::from_secs(NOW - secs)
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text, 80).expect("an address")
}

pub(crate) fn name(text: &str) -> UnitName {
    UnitName::new(text).expect("a unit name")
}

pub(crate) fn gateway_id() -> GatewayId {
    GatewayId("nginx:/etc/nginx/nginx.conf".into())
}

/// A host with a running nginx, to which everything else is added.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) gateway: Gateway,
    pub(crate) config: GatewayConfig,
    pub(crate) table: ListenerTable,
    pub(crate) processes: Vec<Process>,
    pub(super) more: Vec<(SourceId, Seen)>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            gateway: Gateway {
                id: gateway_id(),
                kind: GatewayKind::Nginx,
                version: None,
                config: "/etc/nginx/nginx.conf".into(),
                running: true,
                master: Some(10),
                workers: vec![11],
                worker_uid: Some(33),
                worker_gids: vec![33],
                netns: Some(NETNS),
                root: "".into(),
                unit: Some(name("nginx.service")),
                container: None,
                started: Some(ago(86_400)),
                loaded: Some(ago(86_400)),
            },
            config: GatewayConfig {
                gateway: gateway_id(),
                upstreams: Vec::new(),
                sites: Vec::new(),
                logs: vec![log(ERROR_LOG, LogKind::Error)],
                answers: Vec::new(),
                controls: Vec::new(),
                labels: None,
                loaded: None,
                problems: Vec::new(),
                files: Vec::new(),
                modified: Some(ago(90_000)),
                unlogged: false,
            },
            table: ListenerTable {
                netns: NETNS,
                listeners: Vec::new(),
                owners_complete: true,
                unix_complete: true,
                local_addresses: vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 5])],
                overflows: None,
            },
            processes: Vec::new(),
            more: Vec::new(),
        }
        .listens("0.0.0.0:80", 10)
    }

    /// The same host with Apache in the place of nginx.
    pub(crate) fn apache() -> Self {
        let mut host = Self::new();
        let id = GatewayId("apache:/etc/apache2/apache2.conf".into());
        host.gateway.id = id.clone();
        host.gateway.kind = GatewayKind::Apache;
        host.gateway.config = "/etc/apache2/apache2.conf".into();
        host.gateway.unit = Some(name("apache2.service"));
        host.config.gateway = id.clone();
        for log in &mut host.config.logs {
            log.gateway = Some(id.clone());
            log.path = "/var/log/apache2/error.log".into();
        }
        host
    }

    /// nginx with one upstream and nothing else.
    pub(crate) fn passing_to(at: &str) -> Self {
        Self::new().upstream(at)
    }

    pub(crate) fn upstream(self, at: &str) -> Self {
        self.upstream_with(at, |_| {})
    }

    /// A FastCGI upstream.
    pub(crate) fn fastcgi(at: &str) -> Self {
        Self::new().upstream_with(at, |u| u.protocol = Protocol::Fastcgi)
    }

    pub(crate) fn upstream_with(
        mut self,
        at: &str,
        change: impl FnOnce(&mut ConfiguredUpstream),
    ) -> Self {
        let line = 10 + u32::try_from(self.config.upstreams.len()).unwrap_or_default();
        let location = if line == 10 { "/".to_owned() } else { format!("/{line}/") };
        let mut upstream = ConfiguredUpstream {
            id: UpstreamId(Text::new(format!("nginx:/etc/nginx/nginx.conf:{line}"))),
            place: place(line),
            address: Address::parse(at, 80),
            written: at.into(),
            group: None,
            group_size: 1,
            protocol: Protocol::Http,
            per_request: false,
            params: ServerParams::default(),
            timeouts: Timeouts::default(),
            header_buffer: Setting { value: 4096, place: None },
            resolver: None,
            tls_verify: false,
            tls: UpstreamTls::default(),
            fixed_by: None,
            container: None,
            chosen: false,
            timeouts_differ: false,
            keepalive: 0,
            routes: vec![Route {
                place: place(line),
                server_names: vec!["shop.lan".into()],
                location: Text::new(location),
                listens: vec!["80".into()],
            }],
        };
        change(&mut upstream);
        self.config.upstreams.push(upstream);
        self
    }

    /// Several upstreams in one `upstream` block.
    pub(crate) fn group(mut self, group: &str, members: &[&str]) -> Self {
        for at in members {
            self = self.upstream_with(at, |u| {
                u.group = Some(group.into());
                u.group_size = u32::try_from(members.len()).unwrap_or_default();
            });
        }
        self
    }

    pub(crate) fn gateway(mut self, change: impl FnOnce(&mut Gateway)) -> Self {
        change(&mut self.gateway);
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// A socket that listens, held by a process; pid 0 for an owner that is out of sight.
    pub(crate) fn listens(self, at: &str, pid: u32) -> Self {
        self.listens_with(at, pid, |_| {})
    }

    pub(crate) fn listens_with(
        mut self,
        at: &str,
        pid: u32,
        change: impl FnOnce(&mut Listener),
    ) -> Self {
        self.table.listeners.push(listener(at, pid));
        if let Some(last) = self.table.listeners.last_mut() {
            change(last);
        }
        self
    }

    /// Sockets inside a container's own namespace.
    pub(crate) fn listens_inside(self, netns: u64, at: &[&str]) -> Self {
        let table = ListenerTable {
            netns: NetNs(netns),
            listeners: at.iter().map(|a| listener(a, 0)).collect(),
            ..self.table.clone()
        };
        self.sees(SourceId::Listeners, Seen::Listeners(table))
    }

    /// A process that started long ago, of a unit.
    pub(crate) fn process(self, pid: u32, program: &str, unit: &str) -> Self {
        self.process_since(pid, program, unit, 80_000)
    }

    /// Puts the last process into another network namespace.
    pub(crate) fn in_netns(mut self, netns: u64) -> Self {
        if let Some(process) = self.processes.last_mut() {
            process.netns = Some(NetNs(netns));
        }
        self
    }

    pub(crate) fn process_since(mut self, pid: u32, program: &str, unit: &str, secs: i64) -> Self {
        let cgroup = format!("/system.slice/{unit}");
        self.processes.push(Process {
            pid,
            parent: 1,
            name: program.into(),
            exe: None,
            command: program.into(),
            uid: 33,
            state: RunState::Normal,
            start_ticks: 1,
            started: Some(ago(secs)),
            owner: Owner::from_cgroup(&cgroup),
            cgroup: Text::new(cgroup),
            netns: Some(NETNS),
            rss: 1 << 20,
        });
        self
    }

    pub(crate) fn unit(self, unit: UnitSeen) -> Self {
        self.sees(SourceId::Units, Seen::Unit(Box::new(Unit::from(unit))))
    }

    /// A unit that runs, its process, and the socket on which it listens.
    pub(crate) fn serves(self, of: &str, at: &str, pid: u32) -> Self {
        self.unit(unit(of).claims(at).up_since(80_000)).process(pid, "app", of).listens(at, pid)
    }

    pub(crate) fn container(self, container: ContainerSeen) -> Self {
        self.sees(SourceId::Docker, Seen::Container(Box::new(Container::from(container))))
    }

    pub(crate) fn probe(self, at: &str, outcome: ProbeOutcome) -> Self {
        self.probe_of(at, at, outcome, None)
    }

    /// A probe of one of the addresses behind a name, or with a TLS greeting.
    pub(crate) fn probe_of(
        self,
        target: &str,
        tried: &str,
        outcome: ProbeOutcome,
        tls: Option<TlsAnswer>,
    ) -> Self {
        let probe = Probe {
            gateway: self.gateway.id.clone(),
            target: address(target),
            tried: address(tried),
            same_namespace: true,
            outcome,
            micros: 100,
            tls,
            tls_facts: None,
        };
        self.sees(SourceId::Probes, Seen::Probe(probe))
    }

    /// A handshake with an upstream.
    pub(crate) fn handshake_with(
        self,
        target: &str,
        tried: &str,
        change: impl FnOnce(&mut TlsFacts),
    ) -> Self {
        let mut facts = TlsFacts { version: Some("TLSv1.3".into()), ..TlsFacts::default() };
        change(&mut facts);
        let answer = facts.alert.map_or(TlsAnswer::Tls, TlsAnswer::Alert);
        let mut host = self.probe_of(target, tried, ProbeOutcome::Connected, Some(answer));
        if let Some((_, Seen::Probe(probe))) = host.more.last_mut() {
            probe.tls_facts = Some(Box::new(facts));
        }
        host
    }

    /// What the kernel is set to.
    pub(crate) fn settings(self, change: impl FnOnce(&mut HostSettings)) -> Self {
        let mut settings = HostSettings::default();
        change(&mut settings);
        self.sees(SourceId::Settings, Seen::Settings(settings))
    }

    /// Where the kernel would send packets to an address.
    pub(crate) fn route(self, to: &str, outcome: RouteOutcome) -> Self {
        let routes = vec![(to.parse().expect("an address"), outcome)];
        let ways = Ways { netns: NETNS, routes, stalled: Vec::new() };
        self.sees(SourceId::Settings, Seen::Ways(ways))
    }

    /// What stands at a socket's path.
    pub(crate) fn socket(
        self,
        path: &str,
        kind: SocketFileKind,
        change: impl FnOnce(&mut SocketFile),
    ) -> Self {
        let mut file = SocketFile {
            gateway: self.gateway.id.clone(),
            path: path.into(),
            kind,
            kind_outside: None,
            mode: 0o140_660,
            uid: 33,
            gid: 33,
            inode: 7,
            access: Access::Allowed,
            neighbours: Vec::new(),
            link: None,
        };
        change(&mut file);
        self.sees(SourceId::SocketFiles, Seen::SocketFile(file))
    }

    pub(crate) fn resolves(
        self,
        host: &str,
        server: Option<&str>,
        outcome: ResolutionOutcome,
    ) -> Self {
        let server = server.map(|s| s.parse().expect("a server"));
        let resolution = Resolution { host: host.into(), server, outcome };
        self.sees(SourceId::Names, Seen::Resolution(resolution))
    }

    pub(crate) fn filter(self, verdict: FirewallVerdict, hits: &str) -> Self {
        let rule = FirewallRule {
            chain: "filter INPUT".into(),
            text: "-A INPUT -p tcp -m tcp --dport 8000 -j REJECT".into(),
            verdict,
            hits: vec![hits.parse().expect("an address")],
            packets: Some(4),
        };
        let table = FirewallTable { netns: NETNS, rules: vec![rule], docker_chains: None };
        self.sees(SourceId::Firewall, Seen::Firewall(table))
    }

    pub(crate) fn blind(self, source: SourceId) -> Self {
        self.blind_to(source, "all")
    }

    /// A source that cannot see one thing.
    pub(crate) fn blind_to(self, source: SourceId, what: &str) -> Self {
        let spot = BlindSpot {
            source,
            what: what.into(),
            why: "permission denied".into(),
            hides: "everything".into(),
            grant: "".into(),
        };
        self.sees(source, Seen::Blind(spot))
    }

    pub(crate) fn sees(mut self, source: SourceId, seen: Seen) -> Self {
        self.more.push((source, seen));
        self
    }

    /// Everything that the sources say, in an order in which they could.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let mut all = vec![
            (SourceId::Gateways, Seen::Gateway(self.gateway.clone())),
            (SourceId::Gateways, Seen::Config(Box::new(self.config.clone()))),
            (SourceId::Processes, Seen::Processes(self.processes.clone())),
            (SourceId::Listeners, Seen::Listeners(self.table.clone())),
        ];
        all.extend(self.more.iter().cloned());
        let at = Moment { wall: Wall::from_secs(NOW), boot: Boot(90_000_000_000) };
        all.into_iter().map(|(source, seen)| Observation { at, source, seen }).collect()
    }

    pub(crate) fn case(&self) -> CaseFile {
        case_of(&self.observations())
    }

    pub(crate) fn diagnose(&self) -> Diagnosis {
        diagnose(&self.case(), Signatures::embedded())
    }

    /// What looks at the joined case.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Scene<'_>) -> T) -> T {
        look(&Scene::new(&self.case(), Signatures::embedded()))
    }

    /// The root cause, which must be this one.
    pub(crate) fn root(&self, cause: &str) -> Finding {
        let diagnosis = self.diagnose();
        let first = diagnosis.findings.first().cloned();
        first
            .filter(|f| f.cause == cause)
            .unwrap_or_else(|| panic!("{cause} is not the root of {:#?}", told(&diagnosis)))
    }

    /// Every cause named anywhere: as a finding, as explained by one, or as recovered.
    pub(crate) fn causes(&self) -> Vec<&'static str> {
        let diagnosis = self.diagnose();
        let all = diagnosis.findings.iter().chain(&diagnosis.recovered);
        all.flat_map(|f| std::iter::once(f.cause).chain(f.explains.iter().copied())).collect()
    }

    /// That a cause is not named at all.
    pub(crate) fn spares(&self, cause: &str) {
        assert!(!self.causes().contains(&cause), "{cause} in {:#?}", told(&self.diagnose()));
    }
}

/// The findings of a diagnosis in one line each, for a test that fails.
fn told(diagnosis: &Diagnosis) -> Vec<String> {
    let line = |f: &Finding| {
        format!("{} {} (explains {:?}): {}", f.confidence.as_str(), f.cause, f.explains, f.summary)
    };
    diagnosis.findings.iter().map(line).collect()
}

pub(crate) fn case_of(all: &[Observation]) -> CaseFile {
    let mut case = CaseFile::new();
    for seen in all {
        admit(&mut case, seen, Signatures::embedded());
    }
    read_labels(&mut case);
    case
}

/// nginx's access log, which a host has when a test adds it to the configuration.
pub(crate) fn access_log() -> LogTarget {
    log(
        ACCESS_LOG,
        LogKind::Access(AccessFormat { name: "combined".into(), ..AccessFormat::default() }),
    )
}

pub(crate) fn log(path: &str, kind: LogKind) -> LogTarget {
    let gateway = Some(gateway_id());
    LogTarget { gateway, path: path.into(), root: "".into(), kind, place: place(1) }
}

fn place(line: u32) -> Place {
    Place { file: "/etc/nginx/nginx.conf".into(), line }
}

fn listener(at: &str, pid: u32) -> Listener {
    let pids = if pid == 0 { Vec::new() } else { vec![pid] };
    Listener {
        address: address(at),
        v6_only: None,
        inode: 1,
        queue: Some(0),
        backlog: Some(128),
        stream: true,
        pids,
    }
}
