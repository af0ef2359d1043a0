//! The gateways of this machine and their configurations: found without being told anything, read
//! again when a file changes, published when something differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    host::{
        clock,
        folder_watch::FolderWatch,
        gateways::{Finder, Found},
        scope::Scope,
    },
    observation::{
        Boot, ConfigProblem, Gateway, GatewayConfig, GatewayId, GatewayKind, Loaded, ProblemKind,
        Seen,
    },
};

use super::{
    AttentionWatch, Closed, Outlet,
    admin::{self, Ask},
    config::{Parsed, Setup, Watched, caddy, parse},
    sweep::{Blindness, pause, sweep},
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 30 } else { 3_000 });
/// Pause while things change: a reload or restart is under way.
const BUSY_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 30 } else { 1_000 });
/// Time for a change on disk to be finished before it is read.
const SETTLE: Duration = Duration::from_millis(200);
/// Looks at the shorter pause after a change.
const BUSY_LOOKS: u8 = 8;
/// A look may take this part of the time (1/n).
const SHARE: u32 = 100;
/// But it is not put off for longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often a gateway about which nothing changed is asked what it works with.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Publishes [`Seen::Gateway`], [`Seen::Config`] and [`Seen::GatewayGone`] when they change.
/// `extra_configs` are shown although nothing runs with them; `scope` is all there is to be found.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(
    outlet: Outlet,
    mut attention: AttentionWatch,
    extra_configs: Vec<PathBuf>,
    scope: Option<Scope>,
) -> Result<(), Closed> {
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let extra_configs = extra_configs.into_iter().map(absolute).collect();
    let mut watch = Watch::new(Finder::new(extra_configs).within(scope));
    let mut told = Blindness::default();
    let mut busy = BUSY_LOOKS;
    let mut folders = FolderWatch::default();
    loop {
        let generation = attention.borrow_and_update().generation;
        let (back, mut round) = sweep(&outlet, &mut told, generation, watch, Watch::look).await?;
        watch = back;
        let said = admin::ask(watch.asks()).await;
        if !said.is_empty() {
            let take = move |watch: &mut Watch| watch.take(said);
            let (back, more) = sweep(&outlet, &mut told, generation, watch, take).await?;
            watch = back;
            round.news.extend(more.news);
            round.blind = more.blind;
        }
        busy = if round.news.is_empty() { busy.saturating_sub(1) } else { BUSY_LOOKS };
        for news in round.news {
            outlet.publish(news).await?;
        }
        told.replace(round.blind, &outlet).await?;
        outlet.swept(generation).await?;
        folders.follow(watch.folders());
        // A look that read a configuration is dear once; only dear looks at nothing new wait longer.
        let rest = match busy {
            0 => PAUSE.max(round.cost.saturating_mul(SHARE)).min(LONGEST_PAUSE),
            _ => BUSY_PAUSE.max(round.cost),
        };
        // What this source does not depend on the attention: it only says that it has looked.
        let wait = tokio::time::sleep(rest);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                () = folders.changed() => {
                    // An editor writes a file in several steps: look when it has finished.
                    tokio::time::sleep(SETTLE).await;
                    break;
                }
                changed = pause(&outlet, &mut attention, PAUSE) => {
                    if changed? {
                        let generation = attention.borrow_and_update().generation;
                        outlet.swept(generation).await?;
                    }
                }
            }
        }
    }
}

/// What one look brought.
#[derive(Debug, Default)]
struct Round {
    news: Vec<Seen>,
    blind: Blindness,
    cost: Duration,
}

/// A gateway as it was published.
#[derive(Debug)]
struct Known {
    gateway: Gateway,
    setup: Setup,
    watched: Vec<Watched>,
    /// Digest of the published configuration.
    digest: u64,
    /// Why the main file could not be read.
    unreadable: Option<ConfigProblem>,
    /// What the files said, of a gateway that tells what it works with.
    parsed: Option<Parsed>,
    /// What it told, and when it was asked.
    said: Option<GatewayConfig>,
    asked: Option<Boot>,
    /// Whether it works with something else than its files say: then it is asked with each look.
    differs: bool,
}

impl Known {
    /// The configuration to publish.
    fn config(&self, parsed: &Parsed) -> GatewayConfig {
        match &self.said {
            Some(said) => caddy::in_force(&self.setup, parsed, &self.gateway, said),
            None => parsed.config.clone(),
        }
    }
}

#[derive(Debug)]
struct Watch {
    finder: Finder,
    known: BTreeMap<GatewayId, Known>,
}

impl Watch {
    const fn new(finder: Finder) -> Self {
        Self { finder, known: BTreeMap::new() }
    }

    /// The folders of all configuration files, as they are seen from here.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let of = |known: &Known| {
            let prefix = known.setup.root.prefix().to_owned();
            let folders = known.watched.iter().filter_map(|w| w.path.parent());
            folders
                .map(|dir| prefix.join(dir.strip_prefix("/").unwrap_or(dir)))
                .map(
                    |dir| {
                        if prefix.as_os_str().is_empty() { Path::new("/").join(dir) } else { dir }
                    },
                )
                .collect::<Vec<_>>()
        };
        self.known.values().flat_map(of).collect()
    }

    fn look(&mut self) -> Round {
        let begin = clock::now();
        let mut round = Round::default();
        let seen = self.finder.round(begin);
        if let Some(why) = &seen.proc_error {
            round.blind.add("all", why, "every gateway of this machine", "mount /proc");
        }
        if seen.others_hidden {
            let grant = "run as root, or add the user to the group of the hidepid mount of /proc";
            round.blind.add(
                "other users' processes",
                "/proc is mounted with hidepid",
                "gateways that other users run",
                grant,
            );
        }
        for id in seen.gone {
            self.known.remove(&id);
            round.news.push(Seen::GatewayGone(id));
        }
        for found in seen.found {
            self.gateway(found, &mut round);
        }
        let spent = clock::now().boot.0.saturating_sub(begin.boot.0);
        round.cost = Duration::from_micros(spent);
        round
    }

    /// The gateways that are to be asked now what they work with.
    fn asks(&self) -> Vec<Ask> {
        let now = clock::now().boot;
        let due = |known: &&Known| {
            let is_old = |at| now.secs_since(at) >= ASK_AGAIN.as_secs();
            known.differs || known.asked.is_none_or(is_old)
        };
        let runs = |known: &&Known| known.gateway.running && known.gateway.master.is_some();
        let ask = |known: &Known| {
            let parsed = known.parsed.as_ref()?;
            let told = parsed.config.controls.clone();
            let controls = if parsed.readable { told } else { caddy::controls(&known.setup) };
            let (gateway, setup) = (known.gateway.clone(), known.setup.clone());
            (!controls.is_empty()).then_some(Ask { gateway, setup, controls })
        };
        self.known.values().filter(runs).filter(due).filter_map(ask).collect()
    }

    /// Takes in what they said, and looks again.
    fn take(&mut self, said: Vec<(GatewayId, Option<GatewayConfig>)>) -> Round {
        let now = clock::now().boot;
        let mut news = Vec::new();
        for (id, said) in said {
            let Some(known) = self.known.get_mut(&id) else { continue };
            known.asked = Some(now);
            known.said = said;
            let Some(config) = known.parsed.as_ref().map(|parsed| known.config(parsed)) else {
                continue;
            };
            known.differs = matches!(config.loaded, Some(Loaded::Otherwise(_)));
            let digest = digest(&config);
            if std::mem::replace(&mut known.digest, digest) != digest {
                news.push(Seen::Config(Box::new(config)));
            }
        }
        let mut round = self.look();
        news.append(&mut round.news);
        Round { news, ..round }
    }

    fn gateway(&mut self, found: Found, round: &mut Round) {
        if found.hidden {
            let what = format!("master process {}", found.gateway.master.unwrap_or(0));
            let hides = "its namespaces, its program file and, in a container, its configuration";
            let grant = "run as root, or grant CAP_SYS_PTRACE";
            round.blind.add(&what, "permission denied", hides, grant);
        }
        let gateway = found.gateway.clone();
        let setup = setup(found);
        let old = self.known.remove(&gateway.id);
        if old.as_ref().is_none_or(|old| old.gateway != gateway) {
            round.news.push(Seen::Gateway(gateway.clone()));
        }
        let fresh = |old: &Known| {
            old.setup == setup && !old.watched.iter().any(|file| file.changed(&setup.root))
        };
        let known = match old {
            Some(old) if fresh(&old) => Known { gateway, ..old },
            old => {
                let parsed = parse(&setup);
                let unreadable = unreadable(&parsed.config, parsed.readable);
                let same = old.as_ref().filter(|old| old.gateway.master == gateway.master);
                let said = same.and_then(|old| old.said.clone());
                let watched = parsed.watched.clone();
                let mut known = Known {
                    gateway,
                    setup,
                    watched,
                    digest: 0,
                    unreadable,
                    parsed: None,
                    said,
                    asked: None,
                    differs: false,
                };
                let config = known.config(&parsed);
                known.digest = digest(&config);
                if old.is_none_or(|old| old.digest != known.digest) {
                    round.news.push(Seen::Config(Box::new(config)));
                }
                known.parsed = Some(parsed).filter(|_| known.gateway.kind == GatewayKind::Caddy);
                known
            }
        };
        if let Some(problem) = known.unreadable.as_ref().filter(|_| known.said.is_none()) {
            let grant = match problem.kind {
                ProblemKind::Unreadable => "run as root, or grant read access to this file",
                _ => "",
            };
            let what = known.gateway.config.raw();
            round.blind.add(what, problem.what.raw(), "every upstream of this gateway", grant);
        }
        self.known.insert(known.gateway.id.clone(), known);
    }
}

fn setup(found: Found) -> Setup {
    Setup {
        gateway: found.gateway.id,
        kind: found.gateway.kind,
        label: found.label,
        root: found.root,
        config: found.config,
        prefix: found.prefix,
        error_log: found.error_log,
        access_log: found.access_log,
        globals: found.globals,
        start: found.start,
        version: found.gateway.version,
        reader: found.reader,
    }
}

fn unreadable(config: &GatewayConfig, readable: bool) -> Option<ConfigProblem> {
    if readable { None } else { config.problems.first().cloned() }
}

/// Tells two configurations apart without keeping both.
fn digest(config: &GatewayConfig) -> u64 {
    struct Digest(DefaultHasher);
    impl Write for Digest {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut digest = Digest(DefaultHasher::new());
    let _ = write!(digest, "{config:?}");
    digest.0.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::SourceId,
        session::{Attention, Event},
    };

    const DEADLINE: Duration = Duration::from_secs(30);

    /// The next thing seen that `wanted` takes.
    async fn next<T>(queue: &mut mpsc::Receiver<Event>, wanted: impl Fn(Seen) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Event::Seen(observation) = queue.recv().await.unwrap()
                    && let Some(found) = wanted(observation.seen)
                {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, search).await.unwrap()
    }

    #[tokio::test]
    async fn a_configuration_is_published_at_once_again_when_it_changes_and_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nginx.conf");
        let text = |n: u8| {
            format!("http {{ server {{ location / {{ proxy_pass http://10.0.0.{n}; }} }} }}")
        };
        std::fs::write(&path, text(1)).unwrap();
        let (sender, mut queue) = mpsc::channel(64);
        let (attend, attention) = watch::channel(Arc::new(Attention::default()));
        let outlet = Outlet::new(SourceId::Gateways, sender);
        let task = tokio::spawn(run(outlet, attention, vec![path.clone()], None));
        let id = GatewayId(format!("nginx:{}", path.display()).as_str().into());
        let ours = |id: &GatewayId| {
            let id = id.clone();
            move |seen| match seen {
                Seen::Config(config) if config.gateway == id => {
                    config.upstreams.first()?.address.as_ref().map(ToString::to_string)
                }
                _ => None,
            }
        };
        let gateway = next(&mut queue, |seen| match seen {
            Seen::Gateway(gateway) if gateway.id == id => Some(gateway),
            _ => None,
        });
        assert!(!gateway.await.running);
        assert_eq!(next(&mut queue, ours(&id)).await, "10.0.0.1:80");
        let swept = |seen| match seen {
            Seen::Swept { generation } => Some(generation),
            _ => None,
        };
        assert_eq!(next(&mut queue, swept).await, 0);
        attend.send_replace(Arc::new(Attention { generation: 7, ..Attention::default() }));
        while next(&mut queue, swept).await != 7 {}
        std::fs::write(&path, text(22)).unwrap();
        assert_eq!(next(&mut queue, ours(&id)).await, "10.0.0.22:80");
        drop(queue);
        drop(attend);
        assert!(tokio::time::timeout(DEADLINE, task).await.unwrap().unwrap().is_err());
    }
}
