//! The task: find the managers, ask those that can be asked, publish what changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;

use super::{
    build::{self, Built},
    finds::{Finder, changed},
    openrc,
    pm2_home::{Home, homes},
    runit,
    supervisor::{Told, told},
    supervisor_find::{self, Found},
    users::{User, users},
};
use crate::{
    host::{
        clock,
        files::{FileError, Root},
        managers::{ANSWER, Door, Pm2Entry, TalkError, all_processes, pm2_programs, pm2_saved},
        on_behalf,
        permission::Identity,
        proc,
        proc_scan::others_hidden,
        scope::Scope,
    },
    observation::{
        Boot, LogKind, LogTarget, Manager, ManagerKind, Place, Program, ProgramState, Seen, Text,
    },
    session::Attention,
    source::{
        AttentionWatch, Closed, Outlet,
        claims::{Reader, Wanted, is_listening_variable, survey_programs},
        sweep::{Blindness, Calm, pause, sweep},
    },
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// A look may take this part of the time (1/n).
const SHARE: u32 = 100;
/// Seconds after which homes and configurations are looked for anew.
const SEARCH: u64 = 10;
/// Managers that are asked.
const MOST: usize = 64;
/// Log files that are followed.
const LOGS: usize = 128;
/// Bytes of a saved list: the environment of every program is in it.
const DUMP: u64 = 16 << 20;

const HIDES: &str = "state, restarts and logs of its programs";

/// Where managers are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// File tree.
    pub root: Root,
    /// Whether the processes of this host are looked at.
    pub processes: bool,
    /// The practice world that is looked at, and nothing else.
    pub scope: Option<Scope>,
}

impl Default for Places {
    fn default() -> Self {
        Self { root: Root::default(), processes: true, scope: None }
    }
}

/// Publishes [`Seen::Manager`] for every manager of the host, when it changes, and the logs of the
/// programs that matter.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(
    outlet: Outlet,
    mut attention: AttentionWatch,
    places: Places,
) -> Result<(), Closed> {
    let mut survey = Survey::new(places);
    let mut told = Blindness::default();
    let mut published: BTreeMap<(ManagerKind, Text), Manager> = BTreeMap::new();
    let mut logs: BTreeSet<LogTarget> = BTreeSet::new();
    let (mut swept, mut calm) = (None, Calm::default());
    loop {
        let wanted = attention.borrow_and_update().clone();
        let (generation, hurry) = (wanted.generation, swept != Some(wanted.generation));
        let (back, round) = sweep(&outlet, &mut told, generation, survey, Survey::look).await?;
        survey = back;
        let answers = ask(&round).await;
        let work = {
            let wanted = Arc::clone(&wanted);
            move |survey: &mut Survey| survey.join(round, answers, &wanted)
        };
        let (back, joined) = sweep(&outlet, &mut told, generation, survey, work).await?;
        survey = back;
        let mut changed = hurry;
        let gone: Vec<_> = published
            .keys()
            .filter(|key| !joined.managers.contains_key(*key) && !joined.unseen.contains(*key))
            .cloned()
            .collect();
        for (kind, home) in gone {
            published.remove(&(kind, home.clone()));
            outlet.publish(Seen::ManagerGone(kind, home)).await?;
        }
        for (key, manager) in joined.managers {
            // Of one that does not answer what it said last is kept.
            let stale = joined.unseen.contains(&key) && published.contains_key(&key);
            if !stale && published.get(&key) != Some(&manager) {
                changed = true;
                outlet.publish(Seen::Manager(Box::new(manager.clone()))).await?;
                published.insert(key, manager);
            }
        }
        for target in joined.logs {
            if logs.len() < LOGS && logs.insert(target.clone()) {
                outlet.publish(Seen::LogFound(target)).await?;
            }
        }
        told.replace(joined.blind, &outlet).await?;
        if hurry {
            outlet.swept(generation).await?;
            swept = Some(generation);
        }
        let rest = calm.pause(changed, PAUSE).max(joined.cost * SHARE);
        pause(&outlet, &mut attention, rest).await?;
    }
}

/// What one look found, before anybody was asked.
struct Round {
    homes: Vec<Home>,
    supervisors: Vec<Found>,
    others: Vec<Manager>,
    blind: Blindness,
    cost: Duration,
}

/// What was answered, in the order of the round.
struct Answers {
    pm2: Vec<Option<Result<Vec<Pm2Entry>, TalkError>>>,
    supervisors: Vec<Option<Result<Vec<Told>, TalkError>>>,
}

async fn ask(round: &Round) -> Answers {
    let pm2 =
        round.homes.iter().take(MOST).map(|home| async {
            Some(pm2_programs(&home.door, is_listening_variable, ANSWER).await)
        });
    let supervisors = round.supervisors.iter().take(MOST).map(|found| async {
        let door = found.door.as_ref()?;
        Some(all_processes(door, ANSWER).await.map(|all| told(&all)))
    });
    let (pm2, supervisors) = futures_util::join!(join_all(pm2), join_all(supervisors));
    Answers { pm2, supervisors }
}

/// What a look amounts to.
#[derive(Default)]
struct Joined {
    managers: BTreeMap<(ManagerKind, Text), Manager>,
    /// Managers that did not answer.
    unseen: BTreeSet<(ManagerKind, Text)>,
    logs: BTreeSet<LogTarget>,
    blind: Blindness,
    cost: Duration,
}

/// What is kept between looks.
struct Survey {
    places: Places,
    finder: Finder,
    reader: Reader,
    searched: Option<Boot>,
    users: Vec<User>,
}

impl Survey {
    fn new(places: Places) -> Self {
        let reader = Reader::new(places.root.clone());
        Self { places, finder: Finder::default(), reader, searched: None, users: Vec::new() }
    }

    fn look(&mut self) -> Round {
        let now = clock::now();
        let root = self.places.root.clone();
        if self.searched.is_none_or(|at| now.boot.secs_since(at) >= SEARCH) {
            self.users = users(&root);
            self.searched = Some(now.boot);
        }
        let mut daemons = if self.places.processes { self.finder.look(now) } else { Vec::new() };
        if let Some(scope) = &self.places.scope {
            daemons.retain(|daemon| scope.has_process(daemon.pid));
            let supervisors = supervisor_find::running(&root, &self.users, &daemons);
            let blind = Blindness::default();
            let (homes, others) = (Vec::new(), Vec::new());
            return Round { homes, supervisors, others, blind, cost: Duration::ZERO };
        }
        let mut blind = Blindness::default();
        let seen = |path: &Path| root.seen_at(path);
        let mut homes = homes(&root, &self.users, &daemons);
        for home in &mut homes {
            home.door.path = seen(&home.door.path);
        }
        let mut supervisors = supervisor_find::all(&root, &self.users, &daemons);
        for door in supervisors.iter_mut().filter_map(|found| found.door.as_mut()) {
            door.path = seen(&door.path);
        }
        let mut others = runit::look(&root, &daemons, &mut blind);
        others.extend(openrc::look(&root));
        let cost = Duration::from_micros(clock::now().boot.0.saturating_sub(now.boot.0));
        Round { homes, supervisors, others, blind, cost }
    }

    /// Puts together what was found and what was answered.
    fn join(&mut self, round: Round, answers: Answers, attention: &Attention) -> Joined {
        let begun = clock::now().boot;
        let mut joined = Joined { blind: round.blind, ..Joined::default() };
        let wanted = Wanted::new(attention);
        for (home, answer) in round.homes.into_iter().zip(answers.pm2) {
            if let Some((manager, built)) = self.pm2(home, answer, &mut joined) {
                self.admit(manager, built, &wanted, attention, &mut joined);
            }
        }
        for (found, answer) in round.supervisors.into_iter().zip(answers.supervisors) {
            let (manager, built) = supervisor(found, answer, &mut joined);
            self.admit(manager, built, &wanted, attention, &mut joined);
        }
        for manager in round.others {
            let built = build::of_files(&self.places.root, &manager);
            self.admit(manager, built, &wanted, attention, &mut joined);
        }
        let spent = clock::now().boot.0.saturating_sub(begun.0);
        joined.cost = round.cost + Duration::from_micros(spent);
        joined
    }

    fn pm2(
        &self,
        home: Home,
        answer: Option<Result<Vec<Pm2Entry>, TalkError>>,
        joined: &mut Joined,
    ) -> Option<(Manager, Vec<Built>)> {
        let mut manager = home.manager;
        let key = (manager.kind, manager.home.clone());
        let list = Path::new(manager.config.raw());
        let theirs = reader(&manager);
        let saved = on_behalf::read(&self.places.root, list, DUMP, theirs.as_ref());
        let saved = saved.map(|json| pm2_saved(&json, is_listening_variable).unwrap_or_default());
        let quiet = !manager.running && !(self.places.processes && others_hidden());
        let (live, otherwise) = match answer {
            Some(Ok(mut list)) => {
                manager.running = true;
                for entry in &mut list {
                    entry.pid = entry.pid.filter(|pid| may_be_its(theirs.as_ref(), *pid));
                }
                (Some(list), ProgramState::Absent)
            }
            // Without a daemon the socket is missing, or was left behind.
            Some(Err(TalkError::Missing | TalkError::Refused | TalkError::Denied)) if quiet => {
                (None, ProgramState::Absent)
            }
            other => {
                let why = match other {
                    Some(Err(error)) => error.to_string(),
                    _ => format!("there are more than {MOST}"),
                };
                blind(joined, &key, &manager, &home.door, &why);
                (None, ProgramState::Unknown)
            }
        };
        if !manager.running
            && matches!(saved, Err(FileError::Missing | FileError::Denied | FileError::Link))
        {
            return None;
        }
        let saved = saved.unwrap_or_default();
        let built = build::pm2(&manager, live.as_deref(), &saved, otherwise);
        Some((manager, built))
    }

    /// Asks the programs for their claims, and keeps the manager with them.
    fn admit(
        &mut self,
        mut manager: Manager,
        built: Vec<Built>,
        wanted: &Wanted,
        attention: &Attention,
        joined: &mut Joined,
    ) {
        let terms: Vec<_> = built.iter().map(|(_, terms)| terms.clone()).collect();
        let who = reader(&manager);
        self.reader.on_behalf_of(who.clone());
        let found = survey_programs(&terms, wanted, &mut self.reader);
        let root = self.places.root.clone();
        let mut foreign = BTreeSet::new();
        let mut its = |path: &Text| {
            let (file, who) = (Path::new(path.raw()), who.as_ref());
            let its = who.is_none_or(|who| on_behalf::may_write(&root, file, who));
            if !its {
                foreign.insert(path.clone());
            }
            its
        };
        if !manager.log.is_empty() && !its(&manager.log) {
            manager.log = Text::default();
        }
        for ((mut program, _), mut found) in built.into_iter().zip(found) {
            program.claims = found.claims;
            program.logs.retain(&mut its);
            found.logs.retain(|log| its(&log.path));
            if !program.is_up() {
                let written = |path: &Text| changed(&self.places.root, Path::new(path.raw()));
                program.last_words = program.logs.iter().filter_map(written).max();
            }
            let behind = program.tree.iter().any(|pid| attention.pids.contains(pid))
                || program.claims.iter().any(|claim| wanted.has(&claim.address));
            if behind {
                joined.logs.extend(program.logs.iter().map(|path| log(path, &manager)));
                joined.logs.extend(found.logs);
                if !manager.log.is_empty() {
                    joined.logs.insert(log(&manager.log, &manager));
                }
            }
            manager.programs.push(program);
        }
        for path in foreign {
            let why = format!("{} names it as a log and may not write it", manager.user);
            joined.blind.add(&path.to_string(), &why, "what stands in it", "");
        }
        joined.managers.insert((manager.kind, manager.home.clone()), manager);
    }
}

fn supervisor(
    found: Found,
    answer: Option<Result<Vec<Told>, TalkError>>,
    joined: &mut Joined,
) -> (Manager, Vec<Built>) {
    let mut manager = found.manager;
    let key = (manager.kind, manager.home.clone());
    let (told, otherwise) = match answer {
        Some(Ok(mut list)) => {
            manager.running = true;
            let theirs = reader(&manager);
            for one in &mut list {
                one.pid = one.pid.filter(|pid| may_be_its(theirs.as_ref(), *pid));
            }
            (Some(list), ProgramState::Absent)
        }
        Some(Err(TalkError::Missing | TalkError::Refused)) | None if !manager.running => {
            (None, ProgramState::Absent)
        }
        Some(Err(error)) => {
            let door = found.door.clone().unwrap_or(Door { path: Default::default(), uid: None });
            blind(joined, &key, &manager, &door, &error.to_string());
            (None, ProgramState::Unknown)
        }
        None => {
            let why = "no [unix_http_server] is configured: it cannot be asked";
            let grant = "give it a [unix_http_server] section";
            joined.unseen.insert(key);
            joined.blind.add(&manager.home.to_string(), why, HIDES, grant);
            (None, ProgramState::Unknown)
        }
    };
    for (file, why) in &found.config.unread {
        let hides = "what Supervisor's programs are to serve";
        joined.blind.add(&file.display().to_string(), why, hides, "run as root");
    }
    let built = build::supervisor(&manager, told.as_deref(), &found.config.programs, otherwise);
    (manager, built)
}

/// As whom the files that a manager names are looked at: an ordinary user must not make us open what
/// that user could not. `None` for root.
fn reader(manager: &Manager) -> Option<Identity> {
    let uid = manager.uid.filter(|uid| *uid != 0)?;
    let status = manager.pid.and_then(|pid| proc::status(pid).ok());
    let gids = status.filter(|status| status.uid == uid).map(|status| status.gids);
    Some(Identity::of(uid, gids.unwrap_or_default()))
}

/// Whether an ordinary user's manager can have started a process: it says so itself.
fn may_be_its(who: Option<&Identity>, pid: u32) -> bool {
    who.is_none_or(|who| proc::status(pid).map_or(true, |status| status.uid == who.uid))
}

fn blind(
    joined: &mut Joined,
    key: &(ManagerKind, Text),
    manager: &Manager,
    door: &Door,
    why: &str,
) {
    let kind = manager.kind.title();
    let words = format!("{kind} of {} does not let itself be asked: {why}", manager.user);
    let grant = match why {
        "permission denied" => format!("run as root, or as {}", manager.user),
        "it asks for a password" => "take username= and password= out of [unix_http_server], \
                                     which only root and its group reach"
            .to_owned(),
        _ => format!("look whether {kind} still works; its socket is {}", door.path.display()),
    };
    joined.unseen.insert(key.clone());
    joined.blind.add(&manager.home.to_string(), &words, HIDES, &grant);
}

fn log(path: &Text, manager: &Manager) -> LogTarget {
    LogTarget {
        gateway: None,
        path: path.clone(),
        root: Text::default(),
        kind: LogKind::Application(Program::Application),
        place: Place { file: manager.config.clone(), line: 0 },
    }
}
