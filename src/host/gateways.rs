//! Finds the gateways of this machine: running masters, also in containers, and what is installed
//! without running. Nothing is started and nothing is asked.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    files::Root,
    fingerprint::Fingerprint,
    gateway_binary::{Build, Builds},
    gateway_options::Options,
    gateway_paths::Paths,
    installed::{INSTALLED, exists, is_enabled, kind_of_config, packaged, resting},
    netns,
    permission::Identity,
    proc,
    proc_scan::{self, GatewayProcess, Role, View},
    scope::Scope,
};
use crate::observation::{
    ContainerId, Gateway, GatewayId, GatewayKind, Moment, NetNs, Text, UnitName, Wall,
};

pub use super::installed::{COMMAND_LINE, Found, Start};

/// How often a process is looked at before it counts as something else: it may still be about
/// to become a gateway.
const LOOKS: u8 = 3;
/// Every so many rounds all processes are looked at again, for pids that came back unnoticed.
const FULL_ROUND: u32 = 20;
/// Until a second look at a master without workers.
const AGAIN: Duration = Duration::from_millis(50);
/// Gateways that are told of.
const MOST: usize = 256;

/// What one round found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Every gateway, running or installed.
    pub found: Vec<Found>,
    /// Gateways that were here before and are not any more.
    pub gone: Vec<GatewayId>,
    /// Whether processes of other users stay hidden.
    pub others_hidden: bool,
    /// Why `/proc` cannot be listed at all.
    pub proc_error: Option<String>,
}

#[derive(Clone, Debug)]
struct Master {
    process: GatewayProcess,
    options: Options,
    build: Build,
    view: View,
    /// Root file system and network, which tell two masters apart that name the same path.
    world: (Option<(u64, u64)>, Option<NetNs>),
    cwd: Option<PathBuf>,
    environment: proc::Environment,
    paths: Paths,
    unit: Option<UnitName>,
    container: Option<ContainerId>,
    started: Wall,
    reader: Option<Identity>,
}

#[derive(Clone, Debug)]
struct Worker {
    process: GatewayProcess,
    /// The master that made it, also when that one is gone.
    master: u32,
    started: Wall,
}

/// Finds gateways round by round, and remembers what it has looked at.
#[derive(Debug, Default)]
pub struct Finder {
    /// Configurations to show although nothing runs with them.
    extra: Vec<PathBuf>,
    /// What there is to be found, when it is not the whole machine.
    scope: Option<Scope>,
    looked: HashMap<u32, u8>,
    masters: BTreeMap<u32, Master>,
    workers: BTreeMap<u32, Worker>,
    builds: Builds,
    before: BTreeMap<GatewayId, Found>,
    /// Wall clock at boot, fixed once so that start times do not waver.
    boot: Option<Wall>,
    round: u32,
}

/// The workers that a master has at this moment, without those that are shutting down. Reads all of
/// `/proc`: for the moments after a reload, not for watching.
pub fn workers(master: u32) -> Vec<u32> {
    let Ok(pids) = proc::pids() else { return Vec::new() };
    let own = |pid: &u32| {
        // The parent is asked first: it is cheaper than the command line.
        proc::stat(*pid).is_ok_and(|stat| stat.parent == master)
            && matches!(
                proc_scan::look(*pid),
                Ok(Some(GatewayProcess { role: Role::Worker { leaving: false }, .. }))
            )
    };
    pids.into_iter().filter(own).collect()
}

impl Finder {
    /// A finder that also shows these configuration files.
    pub fn new(extra: Vec<PathBuf>) -> Self {
        Self { extra, ..Self::default() }
    }

    /// The same, for one practice world alone.
    #[must_use]
    pub fn within(mut self, scope: Option<Scope>) -> Self {
        self.scope = scope;
        self
    }

    /// Looks once. Blocks on `/proc` and the file system.
    pub fn round(&mut self, now: Moment) -> Round {
        let boot = i64::try_from(now.boot.0).unwrap_or(0);
        self.boot.get_or_insert(Wall(now.wall.0.saturating_sub(boot)));
        let mut round = Round { others_hidden: proc_scan::others_hidden(), ..Round::default() };
        match proc::pids() {
            Ok(pids) => {
                self.scan(&pids);
                // Processes come and go while they are looked at: a worker that was made or replaced
                // meanwhile is missed, and a master without any is believed at the second look.
                if self.has_bare_master() {
                    std::thread::sleep(AGAIN);
                    if let Ok(pids) = proc::pids() {
                        self.scan(&pids);
                    }
                }
            }
            Err(error) => round.proc_error = Some(error.to_string()),
        }
        self.round = self.round.wrapping_add(1);
        let mut found = self.running();
        self.stopped(&mut found);
        if self.scope.is_none() {
            self.installed(&mut found);
            self.extra(&mut found);
        }
        let now: BTreeMap<_, _> =
            found.into_iter().take(MOST).map(|f| (f.gateway.id.clone(), f)).collect();
        round.gone = self.before.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
        round.found = now.values().cloned().collect();
        self.before = now;
        round
    }

    /// Whether a master that needs workers has none.
    fn has_bare_master(&self) -> bool {
        self.masters.values().any(|master| {
            master.process.kind == GatewayKind::Nginx
                && !master.options.alone
                && self.serving(master).is_empty()
        })
    }

    fn scan(&mut self, pids: &[u32]) {
        if self.round.is_multiple_of(FULL_ROUND) {
            self.looked.values_mut().for_each(|looks| *looks = LOOKS - 1);
        }
        let alive: BTreeSet<u32> = pids.iter().copied().collect();
        self.looked.retain(|pid, _| alive.contains(pid));
        let known = |me: &Self, pid| me.masters.contains_key(pid) || me.workers.contains_key(pid);
        let gone: Vec<u32> = self
            .masters
            .keys()
            .chain(self.workers.keys())
            .copied()
            .filter(|p| !alive.contains(p))
            .collect();
        for pid in gone {
            self.forget(pid);
        }
        for pid in pids {
            let looks = self.looked.get(pid).copied().unwrap_or(0);
            if known(self, pid) || looks < LOOKS {
                self.look(*pid, looks);
            }
        }
    }

    fn forget(&mut self, pid: u32) {
        self.masters.remove(&pid);
        self.workers.remove(&pid);
    }

    fn look(&mut self, pid: u32, looks: u8) {
        let own = || self.scope.as_ref().is_none_or(|scope| scope.has_process(pid));
        let Some(process) = proc_scan::look(pid).ok().flatten().filter(|_| own()) else {
            self.forget(pid);
            self.looked.insert(pid, looks.saturating_add(1));
            return;
        };
        match process.role.clone() {
            // A worker that outlives its master is none itself.
            Role::Master(_) if self.is_orphan(&process) => {}
            Role::Master(options) => {
                self.workers.remove(&pid);
                let same = self.masters.get(&pid).is_some_and(|known| known.process == process);
                if !same {
                    self.masters.remove(&pid);
                    if let Some(master) = self.examine(process, options) {
                        self.masters.insert(pid, master);
                    } else {
                        self.looked.insert(pid, LOOKS);
                    }
                }
            }
            Role::Worker { .. } => {
                self.masters.remove(&pid);
                let started = self.start(process.start_ticks);
                let parent = process.parent;
                let same = |w: &&Worker| w.process.start_ticks == process.start_ticks;
                let master = self.workers.get(&pid).filter(same).map_or(parent, |w| w.master);
                self.workers.insert(pid, Worker { process, master, started });
            }
            Role::Helper => {
                self.forget(pid);
                self.looked.insert(pid, LOOKS);
            }
        }
    }

    fn is_orphan(&self, process: &GatewayProcess) -> bool {
        process.kind != GatewayKind::Nginx
            && self
                .workers
                .get(&process.pid)
                .is_some_and(|w| w.process.start_ticks == process.start_ticks)
    }

    fn is_ours(id: &ContainerId) -> bool {
        let own = proc::cgroup(std::process::id()).unwrap_or_default();
        ContainerId::from_cgroup(own.raw()).as_ref() == Some(id)
    }

    fn start(&self, ticks: u64) -> Wall {
        let micros = ticks.saturating_mul(1_000_000 / proc::TICKS_PER_SECOND);
        let boot = self.boot.unwrap_or_default();
        Wall(boot.0.saturating_add(i64::try_from(micros).unwrap_or(0)))
    }

    /// Reads once what does not change while a master lives; `None` when it is none of ours.
    fn examine(&mut self, process: GatewayProcess, options: Options) -> Option<Master> {
        let pid = process.pid;
        let view = match proc_scan::view(pid) {
            // HAProxy reads its configuration before it changes its root.
            View::Own if process.kind == GatewayKind::Haproxy && proc_scan::shares_mounts(pid) => {
                View::Same
            }
            view => view,
        };
        let cgroup = proc::cgroup(pid).unwrap_or_default();
        // In a container of its own it belongs to that one, and a unit in there is not ours; in
        // the container that we run in, it belongs to a unit as on a host.
        let container = ContainerId::from_cgroup(cgroup.raw()).filter(|id| !Self::is_ours(id));
        let unit =
            UnitName::from_cgroup(cgroup.raw()).filter(|u| u.is_service() && container.is_none());
        let host = Root::default();
        let program = options.program.to_string_lossy().into_owned();
        let kind = process.kind;
        let mut build = self.builds.read(kind, &host, &format!("/proc/{pid}/exe"));
        if build.is_err() && container.is_none() && program.starts_with('/') {
            build = self.builds.read(kind, &host, &program);
        }
        // A title is only a text: the program behind it must show that it is nginx.
        if process.by_title && !build.as_ref().is_ok_and(|b| b.known) {
            return None;
        }
        let root = Fingerprint::take(&host, Path::new(&format!("/proc/{pid}/root")), true);
        let world = (root.ok().map(|print| print.identity()), netns::of(pid));
        let started = self.start(process.start_ticks);
        let cwd = proc_scan::working_directory(pid);
        let build = build.unwrap_or_else(|_| packaged(kind, &options));
        let environment = match kind {
            GatewayKind::Nginx => proc::Environment::default(),
            _ => proc::environment(pid),
        };
        let root = Root::new(prefix_of(&view, container.as_ref(), pid));
        let paths = Paths::of(kind, &options, &build, cwd.as_deref(), &environment, &root);
        let reader = proc::status(pid).ok().filter(|s| s.uid != 0 && container.is_none());
        let reader =
            reader.map(|s| Identity { uid: s.uid, gids: s.gids, capabilities: s.capabilities });
        Some(Master {
            process,
            options,
            build,
            view,
            world,
            cwd,
            environment,
            paths,
            unit,
            container,
            started,
            reader,
        })
    }

    /// Every group of masters that share one configuration. While a binary is replaced there are
    /// two; the one with more workers speaks for both.
    fn running(&self) -> Vec<Found> {
        let mut groups: Vec<(String, PathBuf, Vec<&Master>)> = Vec::new();
        for master in self.masters.values() {
            let paths = &master.paths;
            let kind = master.process.kind;
            let mut label = match &master.container {
                Some(id) => format!("{}@{}", kind.as_str(), id.short()),
                None => kind.as_str().to_owned(),
            };
            let clash = |g: &(String, PathBuf, Vec<&Master>), label: &str| {
                g.0 == label && g.1 == paths.config
            };
            let same = |g: &(String, PathBuf, Vec<&Master>)| {
                g.1 == paths.config
                    && g.2
                        .first()
                        .is_some_and(|m| m.world == master.world && m.container == master.container)
                    && g.2.first().is_some_and(|m| m.process.kind == kind)
            };
            if let Some(group) = groups.iter_mut().find(|g| same(g)) {
                group.2.push(master);
                continue;
            }
            if groups.iter().any(|g| clash(g, &label)) {
                label = format!("{}@{}", kind.as_str(), master.process.pid);
            }
            groups.push((label, paths.config.clone(), vec![master]));
        }
        groups.into_iter().filter_map(|(label, _, masters)| self.found(label, &masters)).collect()
    }

    fn serving(&self, master: &Master) -> Vec<&Worker> {
        let pid = master.process.pid;
        let serves = |w: &&Worker| {
            w.master == pid && !matches!(w.process.role, Role::Worker { leaving: true })
        };
        self.workers.values().filter(serves).collect()
    }

    fn found(&self, label: String, masters: &[&Master]) -> Option<Found> {
        let first = masters.iter().max_by_key(|m| (self.serving(m).len(), m.started))?;
        let workers: Vec<&Worker> = masters.iter().flat_map(|m| self.serving(m)).collect();
        let paths = first.paths.clone();
        let mut pids: Vec<u32> = workers.iter().map(|w| w.process.pid).collect();
        let mut loaded = workers.iter().map(|w| w.started).min();
        if pids.is_empty() && first.options.alone {
            pids.push(first.process.pid);
            loaded = Some(first.started);
        }
        let status = pids.first().and_then(|pid| proc::status(*pid).ok());
        let netns = pids.first().and_then(|pid| netns::of(*pid)).or(first.world.1);
        let prefix = prefix_of(&first.view, first.container.as_ref(), first.process.pid);
        let config = Text::from_bytes(paths.config.as_os_str().as_encoded_bytes());
        let gateway = Gateway {
            id: GatewayId(Text::new(format!("{label}:{}", config.raw()))),
            kind: first.process.kind,
            version: first.build.version.clone(),
            config,
            running: true,
            master: Some(first.process.pid),
            workers: pids,
            worker_uid: status.as_ref().map(|s| s.uid),
            worker_gids: status.map(|s| s.gids).unwrap_or_default(),
            netns,
            root: Text::new(&prefix),
            unit: first.unit.clone(),
            container: first.container.clone(),
            started: Some(first.started),
            loaded,
        };
        Some(Found {
            gateway,
            label,
            root: Root::new(prefix),
            config: paths.config,
            prefix: paths.prefix,
            error_log: paths.error_log,
            access_log: first.build.access_log.clone(),
            globals: first.options.globals.clone(),
            start: Start {
                arguments: first.options.arguments.clone(),
                environment: first.environment.clone(),
                directory: first.cwd.clone().unwrap_or_else(|| PathBuf::from("/")),
                more: paths.more,
            },
            hidden: first.view == View::Hidden,
            reader: first.reader.clone(),
            last_master: Some(first.process.pid),
        })
    }

    /// Gateways that ran before: on the host they stay as long as their configuration does.
    fn stopped(&self, found: &mut Vec<Found>) {
        for (id, old) in &self.before {
            let here = found.iter().any(|f| f.gateway.id == *id);
            let plain = old.gateway.kind.as_str();
            if here || old.label != plain || !exists(&old.config) {
                continue;
            }
            let orphan = |w: &&Worker| old.last_master == Some(w.master);
            let workers = self.workers.values().filter(orphan).map(|w| w.process.pid).collect();
            let mut still = old.clone();
            still.root = Root::default();
            still.hidden = false;
            still.start.arguments.clear();
            still.gateway = Gateway {
                running: false,
                master: None,
                workers,
                root: Text::default(),
                started: None,
                loaded: None,
                ..still.gateway
            };
            found.push(still);
        }
    }

    /// What is installed on the host and does not run. Beside a gateway that runs only what is
    /// started at boot is of interest.
    fn installed(&mut self, found: &mut Vec<Found>) {
        let runs = found.iter().any(|f| f.gateway.container.is_none());
        for kind in GatewayKind::ALL {
            let known = |f: &Found| f.gateway.container.is_none() && f.gateway.kind == kind;
            if !found.iter().any(known) && (!runs || is_enabled(kind)) {
                self.installed_of(kind, found);
            }
        }
        if found.is_empty() {
            let configs = INSTALLED.iter().map(|(kind, _, config)| (*kind, PathBuf::from(config)));
            let there = configs.filter(|(_, config)| exists(config));
            found.extend(there.map(|(kind, config)| resting(kind, &Build::of(kind), &config)));
        }
    }

    fn installed_of(&mut self, kind: GatewayKind, found: &mut Vec<Found>) {
        let host = Root::default();
        for (_, binary, config) in INSTALLED.iter().filter(|(own, ..)| *own == kind) {
            let Ok(build) = self.builds.read(kind, &host, binary) else { continue };
            let config = if build.known { build.config.clone() } else { PathBuf::from(config) };
            let here = resting(kind, &build, &build.prefix.join(config));
            if exists(&here.config) && !found.iter().any(|f| f.gateway.id == here.gateway.id) {
                found.push(here);
            }
        }
    }

    fn extra(&mut self, found: &mut Vec<Found>) {
        for config in &self.extra {
            let known = |f: &Found| f.config == *config && f.gateway.container.is_none();
            if found.iter().any(known) {
                continue;
            }
            let host = Root::default();
            let kind = kind_of_config(config);
            let build = INSTALLED
                .iter()
                .filter(|(own, ..)| *own == kind)
                .find_map(|(_, binary, _)| self.builds.read(kind, &host, binary).ok());
            found.push(resting(kind, &build.unwrap_or_else(|| Build::of(kind)), config));
        }
    }
}

/// Under which prefix the files of a process are seen from here.
fn prefix_of(view: &View, container: Option<&ContainerId>, pid: u32) -> String {
    match view {
        View::Same => String::new(),
        View::Hidden if container.is_none() => String::new(),
        View::Own | View::Hidden => format!("/proc/{pid}/root"),
    }
}
