//! What the rules about programs of PM2, Supervisor, runit and OpenRC share.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene, scene::Backing},
    evidence::LogFact,
    observation::{
        ManagedProgram, Manager, ManagerKind, Origin, ProgramId, ProgramState, SourceId, Wall,
    },
};

/// Lines at the end of a log among which the reason of the last end stands.
const LAST: usize = 40;

/// Programs that an upstream misses.
pub(super) fn missed_programs<'s, 'a>(
    scene: &'s Scene<'a>,
) -> impl Iterator<Item = &'s Backing<'a, ManagedProgram>> {
    scene.programs().iter().filter(|backing| backing.missing)
}

/// The manager of a program.
pub(super) fn manager_of<'a>(scene: &Scene<'a>, program: &ManagedProgram) -> Option<&'a Manager> {
    scene.case.managers.get(&(program.id.manager, program.id.home.clone()))
}

/// A finding about a managed program that an upstream misses or leans on. It is never surer than the
/// link between address and program, and at most possible while its manager does not answer.
pub(super) fn about_program(
    scene: &Scene<'_>,
    backing: &Backing<'_, ManagedProgram>,
    cause: &'static str,
    confidence: Confidence,
    summary: String,
) -> Finding {
    let program = backing.who;
    let mut subject = scene.subject(&backing.chains);
    subject.program = Some(program.id.clone());
    // Where a person reads on: its errors, mostly.
    subject.path = program.logs.first().cloned();
    let silent = is_silent(scene, &program.id);
    let sure = if silent { Confidence::Possible } else { confidence.min(backing.link) };
    let mut finding = Finding::new(cause, sure, summary)
        .about(subject)
        .with(state_words(program), Origin::Manager(program.id.clone()), program.down_since())
        .with_some(backing.link_words.clone())
        .with_some(scene.symptom(&backing.chains))
        .since(program.down_since().or(scene.incident.first));
    if silent {
        let what = format!("the state of {} now", program.id.name);
        finding = finding.unseen(what, SourceId::Managers);
    }
    if backing.link < Confidence::Likely {
        let next = format!("see whether {} is what should answer there", program.id);
        finding = finding.check(next);
    }
    finding
}

/// Whether the manager of a program does not answer.
pub(super) fn is_silent(scene: &Scene<'_>, id: &ProgramId) -> bool {
    scene.case.blind.contains_key(&(SourceId::Managers, id.home.clone()))
}

/// A program's state in its manager's own words.
pub(super) fn state_words(program: &ManagedProgram) -> String {
    let word = match program.said.raw() {
        "" => program.state.as_str().to_owned(),
        _ => program.said.to_string(),
    };
    let exit = match program.exit {
        Some(code) if !program.is_up() => format!(", it last ended with status {code}"),
        _ => String::new(),
    };
    let restarts = match program.restarts {
        Some(n) if n > 0 => format!(", {n} restarts so far"),
        _ => String::new(),
    };
    let error = match program.error.is_empty() {
        true => String::new(),
        false => format!(": {}", program.error),
    };
    format!("{} is {word} in {}{exit}{restarts}{error}", program.id.name, program.id.manager)
}

/// What its manager is asked by hand for its last lines.
pub(super) fn log_command(scene: &Scene<'_>, program: &ManagedProgram) -> String {
    let name = &program.id.name;
    match program.id.manager {
        ManagerKind::Pm2 => {
            let user = manager_of(scene, program).map(|m| m.user.to_string()).unwrap_or_default();
            match user.as_str() {
                "" | "root" => format!("pm2 logs {name} --lines 50 --nostream"),
                user => format!("as {user}: pm2 logs {name} --lines 50 --nostream"),
            }
        }
        ManagerKind::Supervisor => format!("supervisorctl tail -4000 {name} stderr"),
        ManagerKind::Runit => format!("sv status {}/{name}; its log folder", program.id.home),
        ManagerKind::Openrc => format!("rc-service {name} status; its log below /var/log"),
    }
}

/// What a program's own logs say of themselves that is recognised, oldest first: in the incident's
/// window, or, of a program that is down, in its last run.
///
/// Such logs often have no stamps, so that an old line looks new: then only the end of a log counts
/// that was written in the last run.
pub(super) fn facts_of_program<'s>(
    scene: &'s Scene<'_>,
    program: &'s ManagedProgram,
    ids: &'s [&'s str],
) -> impl DoubleEndedIterator<Item = &'s LogFact> {
    let manager = manager_of(scene, program);
    let began = program.started.or(program.stopped).filter(|_| !program.is_up());
    let from =
        began.map_or(scene.incident.window, |at| at.minus_secs(5).min(scene.incident.window));
    let written = program.is_up()
        || program
            .last_words
            .zip(program.started)
            .is_none_or(|(wrote, began)| wrote >= began.minus_secs(2));
    scene.case.logs.since(from).filter(move |fact| {
        ids.contains(&fact.signature.as_str())
            && match own_log(fact, program) {
                true => written && is_near_the_end(scene, fact),
                false => manager.is_some_and(|m| is_named(fact, program, m)),
            }
    })
}

fn own_log(fact: &LogFact, program: &ManagedProgram) -> bool {
    matches!(&fact.origin, Origin::File(path) if program.logs.contains(path))
}

fn is_near_the_end(scene: &Scene<'_>, fact: &LogFact) -> bool {
    let Some(tail) = scene.case.logs.tails.get(&fact.origin) else { return false };
    tail.iter().rev().take(LAST).any(|line| line.text == fact.text)
}

/// Whether a line of its manager's log is about this program.
fn is_named(fact: &LogFact, program: &ManagedProgram, manager: &Manager) -> bool {
    let managers = match &fact.origin {
        Origin::File(path) => *path == manager.log,
        Origin::Journal(unit) => manager.unit.as_ref() == Some(unit),
        _ => false,
    };
    let captured = |key: &str| fact.captures.get(key).map(crate::observation::Text::raw);
    let name = program.id.name.raw();
    let short = name.rsplit(':').next().unwrap_or(name);
    let by_number = captured("id")
        .and_then(|id| id.parse().ok())
        .is_some_and(|id: u32| program.numbers.contains(&id));
    let by_script = captured("script")
        .is_some_and(|script| program.command.raw().split(' ').any(|word| word == script));
    managers
        && (by_number
            || by_script
            || captured("name") == Some(name)
            || captured("prog") == Some(short))
}

/// Ends that its manager wrote down in the incident's window.
pub(super) fn ends<'s>(
    scene: &'s Scene<'_>,
    program: &'s ManagedProgram,
) -> impl DoubleEndedIterator<Item = &'s LogFact> {
    facts_of_program(scene, program, &["pm2-app-exit", "app-worker-exit", "app-exited-expected"])
        .filter(|fact| !own_log(fact, program))
}

/// The last line of its own logs that says what went wrong, or the very last one.
pub(super) fn last_words(scene: &Scene<'_>, program: &ManagedProgram) -> Option<Evidence> {
    let tails = program.logs.iter().filter_map(|path| {
        let origin = Origin::File(path.clone());
        scene.case.logs.tails.get(&origin).map(|tail| (origin, tail))
    });
    let wrong = |text: &str| ["rror", "xception", "atal", "annot"].iter().any(|w| text.contains(w));
    let mut last = None;
    for (origin, tail) in tails {
        let lines =
            || tail.iter().rev().take(LAST).filter(|line| !line.text.raw().trim().is_empty());
        let line = lines().find(|line| wrong(line.text.raw()));
        if let Some(line) = line.or_else(|| lines().next().filter(|_| last.is_none())) {
            let what = line.text.to_string().chars().take(240).collect();
            let found = wrong(line.text.raw());
            last = Some(Evidence { what, origin, at: None });
            if found {
                break;
            }
        }
    }
    last
}

/// Whether a request through one of the chains failed within seconds of a moment.
pub(super) fn fails_near(scene: &Scene<'_>, chains: &[usize], at: Wall) -> bool {
    chains.iter().filter_map(|i| scene.chains.get(*i)).any(|chain| {
        scene.case.logs.since(at.minus_secs(3)).any(|fact| {
            fact.gateway.as_ref() == Some(&chain.gateway.id)
                && fact.at <= at.plus_secs(3)
                && fact.address.as_ref().is_some_and(|a| chain.has_address(a))
        })
    })
}

/// Whether its manager gave a program up. With a restart delay PM2 goes on to call it `waiting restart`
/// after that; its log tells, when the program has not been started since.
pub(super) fn is_given_up(scene: &Scene<'_>, program: &ManagedProgram, signature: &str) -> bool {
    let ids = [signature];
    let newest = || facts_of_program(scene, program, &ids).next_back().map(|fact| fact.at);
    match program.state {
        ProgramState::GaveUp => true,
        // Stamps of logs have whole seconds.
        ProgramState::Waiting if program.id.manager == ManagerKind::Pm2 => {
            newest().is_some_and(|at| program.started.is_none_or(|start| at.plus_secs(1) >= start))
        }
        _ => false,
    }
}

/// Programs of one manager that it gave up.
pub(super) fn given_up(
    scene: &Scene<'_>,
    kind: ManagerKind,
    cause: &'static str,
    signature: &str,
) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| b.who.id.manager == kind && is_given_up(scene, b.who, signature))
        .map(|backing| {
            let program = backing.who;
            let name = &program.id.name;
            let word = match program.state {
                ProgramState::GaveUp => format!(" ({})", program.said),
                _ => String::new(),
            };
            let summary = format!("{kind} gave up starting {name}{word}: nobody starts it again");
            let ids = [signature];
            let line = facts_of_program(scene, program, &ids).next_back().map(Scene::quote);
            let since = line.as_ref().and_then(|line| line.at);
            let mut finding = about_program(scene, backing, cause, Confidence::Confirmed, summary)
                .with_some(line)
                .with_some(last_words(scene, program))
                .check(format!("what does it say last? {}", log_command(scene, program)));
            finding.since = program.stopped.or(since).or(finding.since);
            finding
        })
        .collect()
}
