//! Small hosts, told as observations, folded into a model the way the program does it.

use std::collections::BTreeMap;

use gatemedic::{
    observation::*,
    session::{Event, Knowledge, Model, update},
};

/// 2026-11-20 14:04:30 UTC.
pub const NOW: i64 = 1_795_183_470;

pub struct Host {
    pub model: Model,
    failing: &'static str,
    at: i64,
}

pub fn text(text: &str) -> Text {
    Text::new(text)
}

pub fn wall(secs_ago: i64) -> Wall {
    Wall::from_secs(NOW - secs_ago)
}

pub fn unit_name(name: &str) -> UnitName {
    UnitName::new(name).unwrap()
}

pub fn gateway_id() -> GatewayId {
    GatewayId(text("nginx:/etc/nginx/nginx.conf"))
}

pub fn container_id(c: char) -> ContainerId {
    ContainerId::new(c.to_string().repeat(64)).unwrap()
}

const NS: NetNs = NetNs(4_026_531_840);

impl Host {
    /// A host of which nothing is known yet.
    pub fn new() -> Self {
        Self { model: Model::new(), failing: PHP, at: NOW }
    }

    pub fn moment(secs: i64) -> Moment {
        Moment {
            wall: Wall::from_secs(secs),
            boot: Boot((secs - NOW + 100_000) as u64 * 1_000_000),
        }
    }

    pub fn see(&mut self, source: SourceId, seen: Seen) -> &mut Self {
        let observation = Observation { at: Self::moment(self.at), source, seen };
        self.event(&Event::Seen(Box::new(observation)))
    }

    pub fn event(&mut self, event: &Event) -> &mut Self {
        update(&mut self.model, event, Knowledge::embedded());
        self
    }

    /// A recorded incident, as the console shows it that looked when it was recorded.
    pub fn recorded(name: &str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
        let text = std::fs::read_to_string(folder.join(name).join("events.jsonl")).unwrap();
        let mut host = Self::new();
        for line in text.lines().skip(1) {
            let observation: Observation = serde_json::from_str(line).unwrap();
            host.event(&Event::Seen(Box::new(observation)));
        }
        host.event(&Event::Settle);
        host
    }

    /// Every source has looked at everything.
    pub fn all_looked(&mut self) -> &mut Self {
        self.model.sources = SourceId::ALL.to_vec();
        self.event(&Event::Settle);
        for source in SourceId::ALL {
            self.see(source, Seen::Swept { generation: 99 });
        }
        self.event(&Event::Settle)
    }

    pub fn gateway(&mut self) -> &mut Self {
        let gateway = Gateway {
            id: gateway_id(),
            kind: GatewayKind::Nginx,
            version: Some(text("1.22.1")),
            config: text("/etc/nginx/nginx.conf"),
            running: true,
            master: Some(700),
            workers: vec![701, 702],
            worker_uid: Some(33),
            worker_gids: vec![33],
            netns: Some(NS),
            root: text(""),
            unit: Some(unit_name("nginx.service")),
            container: None,
            started: Some(wall(86_000)),
            loaded: Some(wall(86_000)),
        };
        self.see(SourceId::Gateways, Seen::Gateway(gateway))
    }

    pub fn config(&mut self, upstreams: Vec<ConfiguredUpstream>) -> &mut Self {
        let config = GatewayConfig {
            gateway: gateway_id(),
            upstreams,
            sites: Vec::new(),
            logs: vec![LogTarget {
                gateway: Some(gateway_id()),
                path: text("/var/log/nginx/error.log"),
                root: text(""),
                kind: LogKind::Error,
                place: Place { file: text("/etc/nginx/nginx.conf"), line: 12 },
            }],
            answers: Vec::new(),
            controls: Vec::new(),
            labels: None,
            loaded: None,
            problems: Vec::new(),
            files: vec![text("/etc/nginx/nginx.conf")],
            modified: Some(wall(90_000)),
            unlogged: false,
        };
        self.see(SourceId::Gateways, Seen::Config(Box::new(config)))
    }

    pub fn listeners(&mut self, listeners: Vec<Listener>) -> &mut Self {
        let table = ListenerTable {
            netns: NS,
            listeners,
            owners_complete: true,
            unix_complete: true,
            local_addresses: vec!["127.0.0.1".parse().unwrap(), "10.0.0.5".parse().unwrap()],
            overflows: Some(0),
        };
        self.see(SourceId::Listeners, Seen::Listeners(table))
    }

    pub fn socket(&mut self, path: &str, kind: SocketFileKind) -> &mut Self {
        let file = SocketFile {
            gateway: gateway_id(),
            path: text(path),
            kind,
            kind_outside: None,
            mode: 0o660,
            uid: 33,
            gid: 33,
            inode: 77,
            access: Access::Allowed,
            neighbours: Vec::new(),
            link: None,
        };
        self.see(SourceId::SocketFiles, Seen::SocketFile(file))
    }

    pub fn probe(&mut self, address: &str, outcome: ProbeOutcome) -> &mut Self {
        let address = Address::parse(address, 80).unwrap();
        let probe = Probe {
            gateway: gateway_id(),
            target: address.clone(),
            tried: address,
            same_namespace: true,
            outcome,
            micros: 180,
            tls: None,
            tls_facts: None,
        };
        self.see(SourceId::Probes, Seen::Probe(probe))
    }

    pub fn processes(&mut self, list: Vec<Process>) -> &mut Self {
        self.see(SourceId::Processes, Seen::Processes(list))
    }

    pub fn unit(&mut self, unit: Unit) -> &mut Self {
        self.see(SourceId::Units, Seen::Unit(Box::new(unit)))
    }

    pub fn log(&mut self, program: Program, origin: Origin, ago: i64, line: &str) -> &mut Self {
        let gateway = (program == Program::Nginx).then(gateway_id);
        let line = LogLine { program, origin, gateway, at: Some(wall(ago)), text: text(line) };
        let source = if program == Program::Systemd { SourceId::Journal } else { SourceId::Logs };
        self.see(source, Seen::Log(line))
    }

    /// One nginx error line about an upstream.
    pub fn failure(&mut self, ago: i64, message: &str, upstream: &str) -> &mut Self {
        let clock = wall(ago).rfc3339();
        let clock = clock.replace('-', "/").replace('T', " ").replace('Z', "");
        let line = format!(
            "{clock} {message} while connecting to upstream, client: 203.0.113.9, server: \
             shop.example.com, request: \"GET /cart HTTP/1.1\", upstream: \"{upstream}\", \
             host: \"shop.example.com\""
        );
        self.log(Program::Nginx, Origin::File(text("/var/log/nginx/error.log")), ago, &line)
    }

    pub fn traffic(&mut self, ago: i64, good: u32, bad: u32) -> &mut Self {
        let by_status: BTreeMap<u16, u32> =
            [(200, good), (502, bad)].into_iter().filter(|(_, n)| *n > 0).collect();
        let asked = ["GET /cart", "GET /cart", "POST /checkout", "GET /cart", "GET /api/items"];
        for n in 0..bad.min(5) {
            let entry = AccessEntry {
                gateway: gateway_id(),
                log: text("/var/log/nginx/access.log"),
                at: wall(ago),
                status: 502,
                upstream_status: Some(text("502")),
                upstream_addr: Some(text(self.failing)),
                request: text(asked[n as usize]),
                host: Some(text("shop.example.com")),
                request_ms: Some(1),
                upstream_ms: Some(0),
                flags: None,
                backend: None,
                retries: None,
            };
            self.see(SourceId::Logs, Seen::Access(entry));
        }
        self.see(
            SourceId::Logs,
            Seen::Traffic(Traffic {
                gateway: gateway_id(),
                log: text("/var/log/nginx/access.log"),
                at: wall(ago),
                by_status,
            }),
        )
    }

    pub fn memory(&mut self, available: u64) -> &mut Self {
        let total = 8 << 30;
        self.see(
            SourceId::Pressure,
            Seen::Memory(MemorySample {
                total,
                available,
                swap_total: 2 << 30,
                swap_free: 1_800 << 20,
            }),
        );
        let stall = |some| {
            Some(Stall {
                some,
                full: some / 3.0,
                some_60: Some(some / 2.0),
                full_60: Some(some / 4.0),
            })
        };
        self.see(
            SourceId::Pressure,
            Seen::Pressure(PressureSample { cpu: stall(4.0), memory: stall(0.0), io: stall(1.0) }),
        )
    }

    pub fn cgroup(&mut self, owner: &Owner, used: &[u64], max: Option<u64>) -> &mut Self {
        for memory in used {
            self.see(
                SourceId::Cgroups,
                Seen::Cgroup(CgroupSample {
                    owner: owner.clone(),
                    path: text("/system.slice/x"),
                    memory: Some(*memory),
                    memory_max: max,
                    oom_kills: Some(0),
                    pids: Some(12),
                    pids_max: Some(512),
                    throttled_periods: None,
                    throttled_us: None,
                    cpu_periods: None,
                }),
            );
        }
        self
    }

    pub fn kill(
        &mut self,
        ago: i64,
        name: &str,
        owner: Option<Owner>,
        limit: Option<u64>,
    ) -> &mut Self {
        let scope = limit.map_or(KillScope::Host, |_| {
            KillScope::Cgroup(text("/system.slice/php8.2-fpm.service"))
        });
        self.see(
            SourceId::Kernel,
            Seen::Kill(KernelKill {
                at: wall(ago),
                sequence: 90_000 - ago as u64,
                scope,
                pid: 812,
                name: text(name),
                cgroup: Some(text("/system.slice/php8.2-fpm.service")),
                owner,
                rss: 498 << 20,
                limit,
                text: text(&format!(
                    "Memory cgroup out of memory: Killed process 812 ({name}) total-vm:1310720kB, \
                 anon-rss:509952kB, file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:1200kB \
                 oom_score_adj:0"
                )),
            }),
        )
    }

    pub fn blind(&mut self, source: SourceId, what: &str, words: [&str; 3]) -> &mut Self {
        let [why, hides, grant] = words.map(text);
        self.see(source, Seen::Blind(BlindSpot { source, what: text(what), why, hides, grant }))
    }
}

pub fn upstream(address: &str, protocol: Protocol, line: u32) -> ConfiguredUpstream {
    let place = Place { file: text("/etc/nginx/sites-enabled/shop"), line };
    ConfiguredUpstream {
        id: UpstreamId(text(&format!("nginx:{place}"))),
        place: place.clone(),
        address: Address::parse(address, 80),
        written: text(address),
        group: None,
        group_size: 1,
        protocol,
        per_request: false,
        params: ServerParams::default(),
        timeouts: Timeouts {
            connect: Setting { value: 60_000, place: None },
            send: Setting { value: 60_000, place: None },
            read: Setting { value: 60_000, place: None },
        },
        header_buffer: Setting { value: 4_096, place: None },
        resolver: None,
        tls_verify: false,
        tls: UpstreamTls::default(),
        fixed_by: None,
        container: None,
        chosen: false,
        timeouts_differ: false,
        keepalive: 0,
        routes: vec![Route {
            place,
            server_names: vec![text("shop.example.com")],
            location: text("~ \\.php$"),
            listens: vec![text("443 ssl")],
        }],
    }
}

pub fn listener(address: &str, pid: u32) -> Listener {
    Listener {
        address: Address::parse(address, 80).unwrap(),
        v6_only: None,
        inode: u64::from(pid) * 10,
        queue: Some(0),
        backlog: Some(511),
        stream: true,
        pids: vec![pid],
    }
}

pub fn process(pid: u32, name: &str, owner: Option<Owner>) -> Process {
    Process {
        pid,
        parent: 1,
        name: text(name),
        exe: None,
        command: text(&format!("/usr/bin/{name} --serve")),
        uid: 33,
        state: RunState::Normal,
        start_ticks: 100,
        started: Some(wall(86_000)),
        cgroup: text("/system.slice/x"),
        owner,
        netns: Some(NS),
        rss: 40 << 20,
    }
}

pub fn unit(name: &str, active: UnitActive, pid: Option<u32>) -> Unit {
    let up = active == UnitActive::Active;
    Unit {
        name: unit_name(name),
        description: text("The service of the shop"),
        kind: text("notify"),
        load: UnitLoad::Loaded,
        active,
        sub: text(if up { "running" } else { "dead" }),
        result: UnitResult::Success,
        exit: if up { UnitExit::None } else { UnitExit::Exited(0) },
        file_state: text("enabled"),
        main_pid: pid,
        cgroup: text(&format!("/system.slice/{name}")),
        restarts: 0,
        restart_policy: text("no"),
        start_limit_burst: 5,
        start_limit_interval_us: 10_000_000,
        memory_max: None,
        memory_current: up.then_some(212 << 20),
        limit_nofile: Some(1_024),
        condition: true,
        active_enter: Some(wall(86_000)),
        active_exit: (!up).then(|| wall(141)),
        inactive_enter: (!up).then(|| wall(141)),
        exec_start: Some(wall(86_000)),
        exec_exit: (!up).then(|| wall(141)),
        commands: vec![text("/usr/sbin/php-fpm8.2 --nodaemonize")],
        claims: Vec::new(),
        triggered_by: Vec::new(),
        file_is_newer: false,
        needs: Vec::new(),
        unmet: Vec::new(),
        environment_files: Vec::new(),
        pid_file: None,
        start_timeout_us: None,
        runtime_max_us: None,
        watchdog_us: None,
        network_limits: Vec::new(),
        frozen: false,
        pools: Vec::new(),
    }
}

pub fn container(c: char, name: &str, state: ContainerState) -> Container {
    let up = state == ContainerState::Running;
    Container {
        id: container_id(c),
        name: text(name),
        image: text("registry.example.com/shop:1.4"),
        state,
        pid: up.then_some(1_200),
        pid_visible: up,
        netns: None,
        exit_code: (!up).then_some(1),
        oom_killed: false,
        error: text(""),
        health: Health::None,
        health_output: text(""),
        restarts: 0,
        restart_policy: text("always"),
        memory_limit: Some(512 << 20),
        ports: vec![PortBinding {
            host_ip: "127.0.0.1".parse().unwrap(),
            host_port: 3_000,
            container_port: 3_000,
        }],
        ips: vec![(text("bridge"), "172.17.0.2".parse().unwrap())],
        host_network: false,
        command: text("node server.js"),
        claims: Vec::new(),
        compose: Some((text("shop"), text("web"))),
        compose_files: Vec::new(),
        compose_folder: "".into(),
        depends_on: Vec::new(),
        aliases: Vec::new(),
        labels: Vec::new(),
        network_of: None,
        created: None,
        image_id: "".into(),
        started: Some(wall(3_600)),
        finished: None,
    }
}

pub const PHP: &str = "unix:/run/php/php8.2-fpm.sock";
const PHP_PATH: &str = "/run/php/php8.2-fpm.sock";

fn php_claim() -> Claim {
    Claim {
        address: Address::parse(PHP, 0).unwrap(),
        kind: ClaimKind::Config,
        origin: Origin::Config(Place { file: text("/etc/php/8.2/fpm/pool.d/www.conf"), line: 41 }),
    }
}

fn owner(name: &str) -> Owner {
    Owner::Unit(unit_name(name))
}

/// Three upstreams: php over a socket, an API of our own, a container.
fn three() -> Vec<ConfiguredUpstream> {
    vec![
        upstream(PHP, Protocol::Fastcgi, 31),
        upstream("127.0.0.1:8000", Protocol::Http, 47),
        upstream("127.0.0.1:3000", Protocol::Http, 58),
    ]
}

/// The parts of the host that are well in every story.
fn base() -> Host {
    let mut host = Host::new();
    host.gateway().config(three());
    host.unit(unit("nginx.service", UnitActive::Active, Some(700)));
    let mut api = unit("shop-api.service", UnitActive::Active, Some(900));
    api.memory_max = Some(1 << 30);
    host.unit(api);
    host.unit(unit("cron.service", UnitActive::Active, Some(300)));
    host.unit(unit("ssh.service", UnitActive::Active, Some(301)));
    let mut backup = unit("backup.service", UnitActive::Failed, None);
    backup.result = UnitResult::ExitCode;
    backup.exit = UnitExit::Exited(1);
    backup.inactive_enter = Some(wall(40_000));
    host.unit(backup);
    host.see(
        SourceId::Docker,
        Seen::Container(Box::new(container('a', "shop-web", ContainerState::Running))),
    );
    host.memory(2_100 << 20);
    let api: Vec<u64> = vec![430 << 20; 3];
    host.cgroup(&owner("shop-api.service"), &api, Some(1 << 30));
    host.cgroup(&Owner::Container(container_id('a')), &[180 << 20], Some(512 << 20));
    host.probe("127.0.0.1:8000", ProbeOutcome::Connected);
    host.probe("127.0.0.1:3000", ProbeOutcome::Connected);
    host
}

fn running(host: &mut Host, php: bool) {
    let mut processes = vec![
        process(700, "nginx", Some(owner("nginx.service"))),
        process(900, "gunicorn", Some(owner("shop-api.service"))),
        process(1_201, "docker-proxy", None),
    ];
    let mut listeners = vec![
        listener("0.0.0.0:443", 700),
        listener("127.0.0.1:8000", 900),
        listener("127.0.0.1:3000", 1_201),
    ];
    if php {
        processes.push(process(812, "php-fpm8.2", Some(owner("php8.2-fpm.service"))));
        listeners.push(listener(PHP, 812));
    }
    host.processes(processes);
    host.listeners(listeners);
    let kind = if php { SocketFileKind::Socket } else { SocketFileKind::Missing };
    host.socket(PHP_PATH, kind);
    let outcome = if php { ProbeOutcome::Connected } else { ProbeOutcome::NoSuchFile };
    host.probe(PHP, outcome);
}

fn requests(host: &mut Host, failing_since: i64) {
    for minute in (1..30).rev() {
        let ago = minute * 60;
        host.traffic(ago, 90, if ago < failing_since { 38 } else { 0 });
    }
    for ago in [141, 100, 60, 20, 4] {
        if ago <= failing_since {
            host.traffic(ago, 4, 9);
        }
    }
}

fn failures(host: &mut Host, since: i64) {
    for ago in (2..since).rev().step_by(2) {
        let pid = 701 + ago % 2;
        let message = format!(
            "[crit] {pid}#{pid}: *{ago} connect() to {PHP} failed (2: No such file or directory)"
        );
        host.failure(ago, &message, &format!("fastcgi://{PHP}:"));
    }
}

/// Everything is well.
pub fn healthy() -> Host {
    let mut host = base();
    let mut php = unit("php8.2-fpm.service", UnitActive::Active, Some(812));
    php.claims = vec![php_claim()];
    php.memory_max = Some(512 << 20);
    host.unit(php);
    running(&mut host, true);
    requests(&mut host, 0);
    host.cgroup(&owner("php8.2-fpm.service"), &[212 << 20; 4], Some(512 << 20));
    host.all_looked();
    host
}

/// Somebody stopped php-fpm.
pub fn php_stopped() -> Host {
    let mut host = base();
    let mut php = unit("php8.2-fpm.service", UnitActive::Inactive, None);
    php.claims = vec![php_claim()];
    host.unit(php);
    running(&mut host, false);
    failures(&mut host, 141);
    requests(&mut host, 141);
    host.all_looked();
    host
}

/// The kernel killed php-fpm at its limit; an old kill has no part in it.
pub fn oom() -> Host {
    let mut host = base();
    let mut php = unit("php8.2-fpm.service", UnitActive::Failed, None);
    php.claims = vec![php_claim()];
    php.memory_max = Some(512 << 20);
    php.result = UnitResult::OomKill;
    php.exit = UnitExit::Killed(9);
    php.sub = text("failed");
    host.unit(php);
    running(&mut host, false);
    host.kill(40_000, "chrome", None, None);
    host.kill(142, "php-fpm8.2", Some(owner("php8.2-fpm.service")), Some(512 << 20));
    let journal = Origin::Journal(unit_name("php8.2-fpm.service"));
    for (ago, line) in [
        (142, "php8.2-fpm.service: A process of this unit has been killed by the OOM killer."),
        (141, "php8.2-fpm.service: Main process exited, code=killed, status=9/KILL"),
        (141, "php8.2-fpm.service: Failed with result 'oom-kill'."),
    ] {
        host.log(Program::Systemd, journal.clone(), ago, line);
    }
    let rising: Vec<u64> = (0..30).map(|n| (700 << 20) + n * (9 << 20)).collect();
    host.cgroup(&owner("shop-api.service"), &rising, Some(1 << 30));
    failures(&mut host, 141);
    requests(&mut host, 141);
    host.all_looked();
    host
}

/// A container that ends and is started again.
pub fn restart_loop() -> Host {
    let mut host = base();
    let mut php = unit("php8.2-fpm.service", UnitActive::Active, Some(812));
    php.claims = vec![php_claim()];
    host.unit(php);
    running(&mut host, true);
    host.failing = "127.0.0.1:3000";
    let mut web = container('a', "shop-web", ContainerState::Restarting);
    web.restarts = 14;
    web.finished = Some(wall(3));
    web.started = Some(wall(5));
    host.see(SourceId::Docker, Seen::Container(Box::new(web)));
    let log = Origin::ContainerLog(container_id('a'));
    for ago in [40, 20, 5] {
        host.log(Program::Application, log.clone(), ago, "Error: Cannot find module 'express'");
    }
    host.probe("127.0.0.1:3000", ProbeOutcome::ClosedAtOnce);
    for ago in (2..141).rev().step_by(2) {
        host.failure(
            ago,
            "[error] 701#701: *9 connect() failed (111: Connection refused)",
            "http://127.0.0.1:3000/",
        );
    }
    requests(&mut host, 141);
    host.all_looked();
    host
}

/// As the php story, seen by somebody who may see little.
pub fn unprivileged() -> Host {
    let mut host = Host::new();
    host.gateway().config(three()).memory(2_100 << 20);
    host.blind(
        SourceId::Docker,
        "all",
        [
            "permission denied on /var/run/docker.sock",
            "container state",
            "usermod -aG docker deploy",
        ],
    );
    host.blind(
        SourceId::Logs,
        "/var/log/nginx/error.log",
        ["permission denied", "why requests fail", "usermod -aG adm deploy"],
    );
    host.blind(
        SourceId::Kernel,
        "all",
        [
            "kernel.dmesg_restrict is 1",
            "memory kills and crashes",
            "usermod -aG systemd-journal deploy",
        ],
    );
    host.probe("127.0.0.1:8000", ProbeOutcome::Refused);
    host.all_looked();
    host
}

/// A host without any gateway.
pub fn nothing() -> Host {
    let mut host = Host::new();
    host.memory(5 << 30).all_looked();
    host
}

/// The first moments: some have answered, some have not.
pub fn looking() -> Host {
    let mut host = Host::new();
    host.gateway().config(three());
    host.event(&Event::Settle);
    host.model.sources = SourceId::ALL.to_vec();
    for source in [SourceId::Gateways, SourceId::Listeners, SourceId::Units] {
        host.see(source, Seen::Swept { generation: 1 });
    }
    host.event(&Event::Settle);
    host
}
