//! Starts, ends and restarts of units.

use crate::{
    evidence::LogFact,
    observation::{Origin, Program, Unit, UnitActive, UnitName, Wall},
    session::{RowKey, Shown, page::Tone, states},
};

use super::{
    Mark, MarkKind,
    collect::{Behind, Told},
};

/// Longest part of a line that is quoted, in characters.
const QUOTED: usize = 160;

/// Adds them, and says how many were left out because they are older than `from`.
pub(super) fn marks(
    shown: &Shown<'_>,
    behind: &Behind,
    from: Option<Wall>,
    all: &mut Vec<Mark>,
) -> usize {
    let mut told = Told::default();
    let mut before = 0;
    let mut old = |at: Wall| {
        let old = from.is_some_and(|from| at < from);
        before += usize::from(old);
        old
    };
    for unit in shown.case.units.values() {
        let needed = behind.0.contains(&unit.name);
        of_unit(unit, needed, &mut old, &mut |mark| told.put(mark, all));
    }
    // Of the unit itself only the last start and end are known; the journal tells of those before.
    for fact in shown.case.logs.facts.iter().filter(|f| f.program == Program::Systemd) {
        let Origin::Journal(unit) = &fact.origin else { continue };
        let Some((kind, what)) = said(fact, unit) else { continue };
        if old(fact.at) {
            continue;
        }
        let mark = Mark::new(fact.at, kind, unit.as_str()).says(what, "journal");
        let mark = mark.about(RowKey::Unit(unit.clone())).needed(behind.0.contains(unit));
        told.put(mark, all);
    }
    before
}

fn of_unit(
    unit: &Unit,
    needed: bool,
    old: &mut dyn FnMut(Wall) -> bool,
    told: &mut dyn FnMut(Mark),
) {
    let started = unit.active_enter.or(unit.exec_start);
    let ended = unit.exec_exit.max(unit.inactive_enter).or(unit.active_exit);
    let (started, ended) = (started.filter(|at| !old(*at)), ended.filter(|at| !old(*at)));
    if started.is_none() && ended.is_none() {
        return;
    }
    let name = unit.name.to_string();
    let mut put = |at, kind, what: String| {
        let mark = Mark::new(at, kind, name.clone()).says(what, "systemd");
        told(mark.about(RowKey::Unit(unit.name.clone())).needed(needed));
    };
    let exit = states::unit_exit(unit);
    let bad = exit.as_ref().is_some_and(|(tone, _)| *tone == Tone::Bad);
    let words = exit.map_or_else(String::new, |(_, words)| format!(": {words}"));
    if let Some(at) = started {
        let again = match unit.restarts {
            0 => String::new(),
            n => format!(", restarted {n} times by itself since somebody started it"),
        };
        put(at, MarkKind::Started, format!("{}{again}", unit.name));
    }
    let Some(at) = ended else { return };
    if unit.is_up() {
        if started.is_some_and(|started| started >= at) {
            let kind = if bad { MarkKind::Failed } else { MarkKind::Stopped };
            put(at, kind, format!("{}{words}", unit.name));
        }
        return;
    }
    match unit.active {
        UnitActive::Failed => put(at, MarkKind::Failed, format!("{}{words}", unit.name)),
        _ if bad => put(at, MarkKind::Failed, format!("{}{words}", unit.name)),
        _ => put(at, MarkKind::Stopped, format!("{}{words}", unit.name)),
    }
}

/// What systemd wrote about a unit, as far as it is a mark of its own.
fn said(fact: &LogFact, unit: &UnitName) -> Option<(MarkKind, String)> {
    let quoted = || {
        let text = fact.text.to_string();
        let text = text
            .split_once(": ")
            .filter(|(head, _)| head.starts_with("systemd"))
            .map_or(text.as_str(), |(_, rest)| rest);
        text.chars().take(QUOTED).collect::<String>()
    };
    match fact.signature.as_str() {
        "app-restart-loop" => Some((MarkKind::Restart, format!("{unit}: systemd starts it again"))),
        "app-start-limit-hit" => {
            Some((MarkKind::Failed, format!("{unit}: started too often, systemd gave up")))
        }
        "oom-systemd-oomd" => Some((MarkKind::Kill, quoted())),
        "proxy-config-invalid"
        | "app-unit-failed-exit"
        | "app-crash-signal"
        | "app-exec-missing"
        | "app-config-invalid"
        | "app-workdir-or-user-missing"
        | "app-unit-start-timeout"
        | "app-unit-watchdog"
        | "app-dependency-failed"
        | "app-env-missing"
        | "app-runtime-max" => Some((MarkKind::Failed, quoted())),
        _ => None,
    }
}
