//! The links from the socket on: listener, process, unit or container.

use crate::{
    evidence::topology::{Candidate, Listening, Peer},
    observation::{
        Access, Container, ManagedProgram, Owner, ProbeOutcome, ProgramState, RunState,
        SocketFileKind, Unit, UnitActive,
    },
    session::{
        Shown,
        details::probe_words,
        figures::bytes,
        page::Tone,
        states::{self, Restarts},
    },
};

use super::{Link, LinkState};

/// Longest command line that is shown, in characters.
const COMMAND: usize = 120;

pub(super) fn listener(peer: &Peer<'_>) -> Link {
    let head = peer.listener.map_or_else(
        || match peer.listening {
            Listening::No => "none".to_owned(),
            _ if peer.local => "not seen".to_owned(),
            _ => format!("{}, another machine", peer.address),
        },
        |l| l.address.to_string(),
    );
    let mut link = Link::new("listener", head);
    let (state, word) = listening(peer);
    link = link.is(state, word);
    if let Some((queue, limit)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) {
        let tone = if peer.queue_full() { Tone::Bad } else { Tone::Plain };
        link.toned(tone, format!("queue {queue} of {limit}"));
    }
    // Where no file stands, that is said below.
    let there = |kind| !matches!(kind, SocketFileKind::Missing | SocketFileKind::ParentMissing);
    if let Some(probe) = peer.probe.filter(|_| peer.socket.is_none_or(|s| there(s.kind))) {
        let (tone, words) = connect(&probe.outcome);
        link.toned(tone, words);
    }
    if let Some(socket) = peer.socket {
        match socket.kind {
            SocketFileKind::Missing => link.toned(Tone::Bad, "no file stands at the path"),
            SocketFileKind::ParentMissing => link.toned(Tone::Bad, "its directory is missing"),
            SocketFileKind::Other => link.toned(Tone::Bad, "a file that is not a socket"),
            SocketFileKind::Hidden => link.toned(Tone::Warn, "its file may not be looked at"),
            SocketFileKind::Socket => {
                let mode = socket.mode & 0o7777;
                link.fact(format!("mode {mode:o}, {}:{}", socket.uid, socket.gid));
            }
        }
        match &socket.access {
            Access::SocketDenied => link.toned(Tone::Bad, "the worker may not write to it"),
            Access::DirectoryDenied(at) => {
                link.toned(Tone::Bad, format!("the worker may not enter {at}"));
            }
            Access::Allowed | Access::Unknown => {}
        }
    }
    link
}

/// State and word of the socket itself; what stands behind it is not its fault.
fn listening(peer: &Peer<'_>) -> (LinkState, &'static str) {
    use LinkState as S;
    let denied = peer.socket.is_some_and(|socket| {
        matches!(socket.access, Access::SocketDenied | Access::DirectoryDenied(_))
    });
    let outcome = peer.probe.map(|probe| &probe.outcome);
    match (outcome, peer.listening) {
        _ if denied => (S::Broken, "not permitted"),
        (_, Listening::No) => (S::Broken, "nothing listens"),
        (Some(ProbeOutcome::Refused), _) => (S::Broken, "refused"),
        (Some(ProbeOutcome::TimedOut), _) => (S::Broken, "no answer"),
        (Some(ProbeOutcome::HostUnreachable | ProbeOutcome::NetworkUnreachable), _) => {
            (S::Broken, "unreachable")
        }
        (Some(ProbeOutcome::NoSuchFile), _) => (S::Broken, "not there"),
        (Some(ProbeOutcome::Denied), _) => (S::Broken, "not permitted"),
        _ if peer.queue_full() => (S::Strained, "queue full"),
        (Some(ProbeOutcome::ClosedAtOnce), _) => (S::Strained, "closes at once"),
        (Some(ProbeOutcome::Connected), _) => (S::Good, "answers"),
        (_, Listening::Yes) => (S::Good, "listens"),
        _ => (S::Unknown, "out of sight"),
    }
}

fn connect(outcome: &ProbeOutcome) -> (Tone, String) {
    match outcome {
        ProbeOutcome::Connected => (Tone::Plain, "connect: works".to_owned()),
        ProbeOutcome::Skipped(why) => (Tone::Muted, format!("connect not tried: {why}")),
        ProbeOutcome::ClosedAtOnce => (Tone::Bad, "connect: closed at once".to_owned()),
        other => {
            let (tone, words) = probe_words(other);
            (tone, format!("connect: {words}"))
        }
    }
}

pub(super) fn process(peer: &Peer<'_>) -> Link {
    let Some(process) = peer.processes.first() else {
        let pid = peer.listener.and_then(|l| l.pids.first());
        return match (pid, peer.listener, peer.local) {
            (Some(pid), ..) => {
                Link::new("process", format!("pid {pid}")).is(LinkState::Unknown, "not read yet")
            }
            (None, Some(_), _) => {
                let mut link = Link::new("process", "not known");
                link.toned(Tone::Muted, "whose socket it is shows to root only");
                link.is(LinkState::Unknown, "out of sight")
            }
            (None, None, true) => Link::new("process", "none").is(LinkState::Absent, ""),
            (None, None, false) => {
                Link::new("process", "on another machine").is(LinkState::Absent, "")
            }
        };
    };
    let stopped = process.state == RunState::Stopped;
    let (state, word) =
        if stopped { (LinkState::Strained, "frozen") } else { (LinkState::Good, "runs") };
    let mut link = Link::new("process", process.name.to_string()).is(state, word);
    if stopped {
        link.toned(Tone::Bad, "stopped by a signal: it accepts and answers nobody");
    }
    let others = peer.processes.len() - 1;
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    link.fact(format!("pid {}{more}, {}", process.pid, bytes(process.rss)));
    let command: String = process.command.to_string().chars().take(COMMAND).collect();
    link.toned(Tone::Muted, command);
    link
}

pub(super) fn owner(shown: &Shown<'_>, restarts: &Restarts, peer: &Peer<'_>) -> Link {
    if let Some(found) = peer.container {
        return of_container(shown, restarts, found, true);
    }
    if let Some(found) = peer.program {
        return of_program(found, true);
    }
    if let Some(found) = peer.unit {
        return of_unit(shown, restarts, found, true);
    }
    match peer.candidates.first() {
        Some(Candidate { program: Some(found), .. }) => of_program(found, false),
        Some(best) => match (best.unit, best.container) {
            (Some(found), _) => of_unit(shown, restarts, found, false),
            (None, Some(found)) => of_container(shown, restarts, found, false),
            (None, None) => Link::new("unit", "none").is(LinkState::Absent, ""),
        },
        None if !peer.local => Link::new("unit", "on another machine").is(LinkState::Absent, ""),
        None if peer.processes.is_empty() => {
            Link::new("unit", "nobody says it serves this").is(LinkState::Absent, "")
        }
        None => {
            let mut link = Link::new("unit", "of no unit").is(LinkState::Absent, "");
            link.toned(Tone::Muted, "started by hand or by another manager");
            link
        }
    }
}

fn of_program(program: &ManagedProgram, serves: bool) -> Link {
    let told = states::program(program);
    let state = match program.state {
        ProgramState::Running => LinkState::Good,
        ProgramState::Starting | ProgramState::Stopping | ProgramState::Unknown => {
            LinkState::Strained
        }
        _ => LinkState::Broken,
    };
    let mut link = Link::new("program", program.id.to_string()).is(state, told.word);
    if !serves {
        link.toned(Tone::Strong, "it should serve this");
    }
    if !program.is_up() {
        if let Some((tone, words)) = states::program_exit(program) {
            link.toned(tone, words);
        }
        if let Some(at) = program.stopped {
            link.fact(format!("down since {at}"));
        }
    }
    if let Some(again) = program.restarts.filter(|n| *n > 0) {
        link.toned(Tone::Warn, format!("{again} restarts in all"));
    }
    link
}

fn of_unit(shown: &Shown<'_>, restarts: &Restarts, unit: &Unit, serves: bool) -> Link {
    let told = states::unit(shown, restarts, unit);
    let state = match unit.active {
        _ if told.tone == Tone::Bad => LinkState::Broken,
        UnitActive::Active | UnitActive::Reloading => LinkState::Good,
        UnitActive::Inactive if !serves => LinkState::Broken,
        _ => LinkState::Strained,
    };
    let mut link = Link::new("unit", unit.name.to_string()).is(state, told.word);
    if !serves {
        link.toned(Tone::Strong, "it should serve this");
    }
    if !unit.is_up() || told.tone == Tone::Bad {
        if let Some((tone, words)) = states::unit_exit(unit) {
            link.toned(tone, words);
        }
        if let Some(at) = unit.inactive_enter.or(unit.exec_exit) {
            link.fact(format!("down since {at}"));
        }
    }
    let again = restarts.of_unit(unit);
    if !again.is_empty() {
        link.toned(Tone::Warn, format!("restarts: {again}"));
    }
    killed(shown, &mut link, &Owner::Unit(unit.name.clone()));
    if unit.is_up() {
        if let Some(at) = unit.active_enter {
            link.toned(Tone::Muted, format!("up since {at}"));
        }
        memory(&mut link, unit.memory_current, unit.memory_max);
    }
    link
}

fn of_container(
    shown: &Shown<'_>,
    restarts: &Restarts,
    container: &Container,
    serves: bool,
) -> Link {
    let told = states::container(shown, restarts, container);
    let state = match told.tone {
        Tone::Good => LinkState::Good,
        Tone::Bad => LinkState::Broken,
        _ => LinkState::Strained,
    };
    let mut link = Link::new("container", container.name.to_string()).is(state, told.word);
    if !serves {
        link.toned(Tone::Strong, "it should serve this");
    }
    if let Some((tone, words)) = states::container_exit(container) {
        link.toned(tone, words);
    }
    let again = restarts.of_container(container);
    if !again.is_empty() {
        link.toned(Tone::Warn, format!("restarts: {again}"));
    }
    let owner = Owner::Container(container.id.clone());
    killed(shown, &mut link, &owner);
    let used = shown.case.cgroups.get(&owner).and_then(|track| track.now.value.memory);
    memory(&mut link, used, container.memory_limit);
    link.toned(Tone::Muted, container.image.to_string());
    link
}

/// Memory kills within the incident.
fn killed(shown: &Shown<'_>, link: &mut Link, owner: &Owner) {
    let kills = shown.case.kills_of(owner, shown.diagnosis.incident.window);
    if let Some(kill) = kills.last() {
        link.toned(Tone::Bad, format!("out of memory at {}: {} killed", kill.at, kill.name));
    }
}

fn memory(link: &mut Link, used: Option<u64>, limit: Option<u64>) {
    match (used, limit) {
        (Some(used), Some(limit)) => {
            link.toned(Tone::Muted, format!("memory {} of {}", bytes(used), bytes(limit)));
        }
        (Some(used), None) => link.toned(Tone::Muted, format!("memory {}", bytes(used))),
        (None, Some(limit)) => link.toned(Tone::Muted, format!("memory limit {}", bytes(limit))),
        (None, None) => {}
    }
}
