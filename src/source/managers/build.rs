//! From what managers say to programs with their processes and claims.

use std::{collections::BTreeMap, path::Path};

use super::{
    openrc,
    supervisor::{Told, full_name},
    supervisor_config::Declared,
    tree::descendants,
};
use crate::{
    host::{files::Root, managers::Pm2Entry},
    observation::{
        ManagedProgram, Manager, ManagerKind, Origin, Place, ProgramId, ProgramState, Text, Wall,
    },
    source::claims::Terms,
};

/// A program, and what it declares of the addresses that it serves.
pub(super) type Built = (ManagedProgram, Terms);

fn blank(manager: &Manager, name: &str, state: ProgramState) -> ManagedProgram {
    let id = ProgramId { manager: manager.kind, home: manager.home.clone(), name: Text::new(name) };
    ManagedProgram {
        id,
        state,
        said: Text::default(),
        numbers: Vec::new(),
        wanted: 1,
        up: 0,
        pids: Vec::new(),
        tree: Vec::new(),
        restarts: None,
        exit: None,
        error: Text::default(),
        started: None,
        stopped: None,
        autorestart: None,
        memory_limit: None,
        command: Text::default(),
        folder: Text::default(),
        shares_sockets: false,
        logs: Vec::new(),
        last_words: None,
        claims: Vec::new(),
    }
}

/// PM2's own words for its states.
fn pm2_state(entry: &Pm2Entry) -> ProgramState {
    match entry.status.as_str() {
        "online" | "one-launch-status" => ProgramState::Running,
        "launching" => ProgramState::Starting,
        "waiting restart" => ProgramState::Waiting,
        "stopping" => ProgramState::Stopping,
        // What PM2 is not to start again has this state too when it ended by itself.
        "stopped" if entry.autorestart == Some(false) => ProgramState::Exited,
        "stopped" if entry.exit.is_some_and(|code| entry.ends_for_good.contains(&code)) => {
            ProgramState::Exited
        }
        "stopped" => ProgramState::Stopped,
        "errored" => ProgramState::GaveUp,
        _ => ProgramState::Unknown,
    }
}

/// The better of two states: of several processes of one name, one that serves is enough.
const fn rank(state: ProgramState) -> u8 {
    match state {
        ProgramState::Running => 0,
        ProgramState::Starting => 1,
        ProgramState::Waiting => 2,
        ProgramState::Stopping => 3,
        ProgramState::GaveUp => 4,
        ProgramState::Exited => 5,
        ProgramState::Stopped => 6,
        ProgramState::Absent => 7,
        ProgramState::Unknown => 8,
    }
}

/// The programs of a PM2: those that its daemon has, and those that only its saved list has.
/// Without a daemon's list every saved one has the state `otherwise`.
pub(super) fn pm2(
    manager: &Manager,
    live: Option<&[Pm2Entry]>,
    saved: &[Pm2Entry],
    otherwise: ProgramState,
) -> Vec<Built> {
    let mut by_name: BTreeMap<&str, Vec<&Pm2Entry>> = BTreeMap::new();
    for entry in live.unwrap_or_default().iter().filter(|entry| !entry.name.is_empty()) {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    let mut all: Vec<Built> = by_name.values().map(|of| pm2_program(manager, of, None)).collect();
    let mut missing: BTreeMap<&str, Vec<&Pm2Entry>> = BTreeMap::new();
    for entry in saved {
        let known = by_name.contains_key(entry.name.as_str()) || entry.name.is_empty();
        if !known && entry.status != "stopped" {
            missing.entry(&entry.name).or_default().push(entry);
        }
    }
    all.extend(missing.values().map(|of| pm2_program(manager, of, Some(otherwise))));
    all.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    all
}

fn pm2_program(manager: &Manager, of: &[&Pm2Entry], only_saved: Option<ProgramState>) -> Built {
    let default = Pm2Entry::default();
    let state_of = |entry: &Pm2Entry| only_saved.unwrap_or_else(|| pm2_state(entry));
    let best = of.iter().min_by_key(|entry| rank(state_of(entry))).copied().unwrap_or(&default);
    let state = state_of(best);
    let mut program = blank(manager, &best.name, state);
    let ours =
        |entry: &&&Pm2Entry| only_saved.is_none() && state_of(entry) == ProgramState::Running;
    program.said = if only_saved.is_some() { "" } else { best.status.as_str() }.into();
    program.wanted = u32::try_from(of.len()).unwrap_or(u32::MAX);
    program.up = u32::try_from(of.iter().filter(ours).count()).unwrap_or(u32::MAX);
    if only_saved.is_none() {
        program.numbers = of.iter().filter_map(|entry| entry.number).collect();
        program.numbers.sort_unstable();
        program.pids = of.iter().filter_map(|entry| entry.pid).collect();
        program.pids.sort_unstable();
        program.tree = descendants(&program.pids);
        program.restarts = Some(of.iter().map(|entry| entry.restarts).sum());
        program.exit = best.exit.filter(|_| best.restarts > 0 || !program.is_up());
        let started = of.iter().filter_map(|entry| entry.started_ms).max();
        program.started = started.map(|ms| Wall(ms.saturating_mul(1_000)));
    }
    program.autorestart = best.autorestart.or(Some(true));
    program.memory_limit = best.memory_limit;
    program.folder = Text::new(&best.folder);
    program.shares_sockets = best.cluster;
    let mut logs: Vec<&str> =
        of.iter().flat_map(|e| [e.err_log.as_str(), e.out_log.as_str()]).collect();
    logs.retain(|path| path.starts_with('/') && *path != "/dev/null");
    logs.dedup();
    program.logs = logs.into_iter().take(8).map(Text::new).collect();
    let mut command = vec![best.script.clone()];
    if !matches!(best.interpreter.as_str(), "" | "none") {
        command.insert(0, best.interpreter.clone());
    }
    command.extend(best.arguments.iter().cloned());
    program.command = Text::new(command.join(" "));
    let mut listening: Vec<String> = of.iter().flat_map(|e| e.listening.clone()).collect();
    listening.sort();
    listening.dedup();
    let terms = Terms {
        origin: Origin::Manager(program.id.clone()),
        commands: vec![command],
        environment: listening,
        environment_files: Vec::new(),
        working_directory: best.folder.clone(),
        listen: Vec::new(),
    };
    (program, terms)
}

/// The programs of a Supervisor: those that it tells of, and those that only its configuration has.
/// Without its word every declared one that it should start has the state `otherwise`.
pub(super) fn supervisor(
    manager: &Manager,
    told: Option<&[Told]>,
    declared: &[Declared],
    otherwise: ProgramState,
) -> Vec<Built> {
    let mut all: Vec<Built> = Vec::new();
    let section =
        |group: &str, name: &str| declared.iter().find(|d| d.group == group && d.name == name);
    for one in told.unwrap_or_default() {
        let mut program = blank(manager, &full_name(&one.group, &one.name), one.state);
        program.said = one.word.as_str().into();
        program.up = u32::from(program.is_up());
        program.pids = one.pid.into_iter().collect();
        program.tree = descendants(&program.pids);
        program.exit = one.exit;
        program.error = Text::new(&one.error);
        program.started = one.started;
        program.stopped = one.stopped;
        program.logs = one.logs.iter().map(Text::new).collect();
        program.logs.dedup();
        all.push(declare(program, section(&one.group, &one.name)));
    }
    for section in declared {
        let name = full_name(&section.group, &section.name);
        if all.iter().any(|(program, _)| program.id.name.raw() == name) {
            continue;
        }
        // One that Supervisor does not know was written after it read its configuration.
        let state = match (told, section.autostart) {
            (None, false) => ProgramState::Stopped,
            (None, true) => otherwise,
            (Some(_), _) => ProgramState::Absent,
        };
        all.push(declare(blank(manager, &name, state), Some(section)));
    }
    all.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    all
}

fn declare(mut program: ManagedProgram, section: Option<&Declared>) -> Built {
    let mut terms = Terms {
        origin: Origin::Manager(program.id.clone()),
        commands: Vec::new(),
        environment: Vec::new(),
        environment_files: Vec::new(),
        working_directory: String::new(),
        listen: Vec::new(),
    };
    let Some(section) = section else { return (program, terms) };
    program.command = Text::new(section.command.join(" "));
    program.folder = Text::new(&section.folder);
    program.autorestart = section.autorestart;
    program.shares_sockets = section.socket.is_some();
    let file = Text::new(section.file.to_string_lossy());
    terms.origin = Origin::Config(Place { file, line: section.line });
    terms.commands.push(section.command.clone());
    terms.environment.clone_from(&section.environment);
    terms.working_directory.clone_from(&section.folder);
    let bound = section.socket.iter().map(|socket| {
        let path = socket.strip_prefix("unix://").or_else(|| socket.strip_prefix("tcp://"));
        ("Stream".to_owned(), path.unwrap_or(socket).to_owned())
    });
    terms.listen.extend(bound);
    (program, terms)
}

/// The programs of runit and OpenRC, of which only the scripts tell what they serve.
pub(super) fn of_files(root: &Root, manager: &Manager) -> Vec<Built> {
    let one = |program: &ManagedProgram| {
        let command = match manager.kind {
            ManagerKind::Openrc => openrc::command(root, program.id.name.raw()),
            _ => vec![program.command.raw().to_owned()],
        };
        let folder = Path::new(program.folder.raw());
        let terms = Terms {
            origin: Origin::Manager(program.id.clone()),
            commands: if command.is_empty() { Vec::new() } else { vec![command] },
            environment: Vec::new(),
            environment_files: Vec::new(),
            working_directory: folder.to_string_lossy().into_owned(),
            listen: Vec::new(),
        };
        (program.clone(), terms)
    };
    manager.programs.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(kind: ManagerKind) -> Manager {
        Manager {
            kind,
            home: "/h".into(),
            running: true,
            pid: None,
            uid: None,
            user: "root".into(),
            version: "".into(),
            unit: None,
            started: None,
            last_seen: None,
            log: "".into(),
            socket: "".into(),
            config: "".into(),
            programs: Vec::new(),
        }
    }

    fn entry(name: &str, number: u32, status: &str) -> Pm2Entry {
        Pm2Entry {
            name: name.to_owned(),
            number: Some(number),
            status: status.to_owned(),
            restarts: 2,
            script: "/srv/a.js".into(),
            interpreter: "node".into(),
            ..Pm2Entry::default()
        }
    }

    #[test]
    fn processes_of_one_name_are_one_program_that_runs_while_one_of_them_does() {
        let live =
            [entry("shop", 0, "errored"), entry("shop", 1, "online"), entry("b", 2, "errored")];
        let all = pm2(&manager(ManagerKind::Pm2), Some(&live), &[], ProgramState::Absent);
        let shop = &all[1].0;
        assert_eq!((shop.state, shop.wanted, shop.up), (ProgramState::Running, 2, 1));
        assert_eq!((shop.numbers.as_slice(), shop.restarts), (&[0, 1][..], Some(4)));
        assert_eq!((all[0].0.state, all[0].0.said.raw()), (ProgramState::GaveUp, "errored"));
        assert_eq!(all[0].0.command.raw(), "node /srv/a.js");
    }

    #[test]
    fn what_only_the_saved_list_has_is_absent_unless_it_was_saved_stopped() {
        let live = [entry("shop", 0, "online")];
        let saved =
            [entry("shop", 0, "online"), entry("api", 1, "online"), entry("old", 2, "stopped")];
        let of = |live| pm2(&manager(ManagerKind::Pm2), live, &saved, ProgramState::Absent);
        let names = |all: Vec<Built>| {
            all.iter()
                .map(|(p, _)| format!("{} {}", p.id.name, p.state.as_str()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(of(Some(&live))), ["api not loaded", "shop running"]);
        assert_eq!(names(of(None)), ["api not loaded", "shop not loaded"]);
    }

    #[test]
    fn a_program_that_ended_by_itself_is_not_called_stopped() {
        let ended =
            Pm2Entry { autorestart: Some(false), exit: Some(1), ..entry("a", 0, "stopped") };
        assert_eq!(pm2_state(&ended), ProgramState::Exited);
        let good = Pm2Entry { ends_for_good: vec![0], exit: Some(0), ..entry("a", 0, "stopped") };
        assert_eq!(pm2_state(&good), ProgramState::Exited);
        assert_eq!(pm2_state(&entry("a", 0, "stopped")), ProgramState::Stopped);
    }

    #[test]
    fn a_section_tells_what_supervisor_does_not() {
        let section = Declared {
            group: "shop".into(),
            name: "shop".into(),
            command: vec!["/opt/shop".into()],
            environment: vec!["PORT=3000".into()],
            folder: "/srv".into(),
            autostart: true,
            socket: Some("unix:///run/f.sock".into()),
            file: "/etc/s.conf".into(),
            line: 3,
            ..Declared::default()
        };
        let all =
            supervisor(&manager(ManagerKind::Supervisor), None, &[section], ProgramState::Absent);
        let (program, terms) = &all[0];
        assert_eq!((program.state, program.command.raw()), (ProgramState::Absent, "/opt/shop"));
        assert_eq!(terms.origin.to_string(), "/etc/s.conf:3");
        assert_eq!(terms.listen[0].1, "/run/f.sock");
        assert!(program.shares_sockets);
    }
}
