//! Units and containers: those that requests depend on first.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;

use crate::{
    observation::{
        Container, ContainerId, ContainerState, Health, ManagedProgram, ProgramState, Unit,
        UnitActive, UnitExit, UnitLoad, UnitName, UnitResult, Wall,
    },
    session::{
        Pane, RowKey,
        figures::{bytes, span},
        page::Tone,
        rows, states,
    },
    tui::{
        ink::Ink,
        widgets::{Column, table},
    },
};

use super::Part;

const COLUMNS: [Column; 6] = [
    Column::new(12, 0),
    Column::new(16, 0).grows(),
    Column::new(6, 3).right(),
    Column::new(13, 1),
    Column::new(4, 2).right(),
    Column::new(7, 4).right(),
];

/// Draws the pane.
pub(crate) fn units(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Units);
    let behind = rows::behind(part.shown);
    let cells = list.visible(part.keys).iter().map(|key| cells(part, key, &behind)).collect();
    let rows = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &rows, "no unit, program or container is known");
}

fn cells(
    part: &Part<'_>,
    key: &RowKey,
    (units, containers): &(BTreeSet<UnitName>, BTreeSet<ContainerId>),
) -> Vec<Ink> {
    let case = part.shown.case;
    let (cells, muted) = match key {
        RowKey::Unit(name) => match case.units.get(name) {
            Some(unit) => {
                let failed = unit.active == UnitActive::Failed;
                (of_unit(unit, case.now.wall), !units.contains(name) && !failed)
            }
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        RowKey::Container(id) => match case.containers.get(id) {
            Some(container) => {
                let bad = container.state == ContainerState::Restarting;
                (of_container(container, case.now.wall), !containers.contains(id) && !bad)
            }
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        RowKey::Program(id) => match case.program(id) {
            Some((_, program)) => {
                let idle = !rows::programs_behind(part.shown).contains(id);
                let bad = program.state == ProgramState::GaveUp;
                (of_program(program, case.now.wall), idle && !bad)
            }
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        _ => return vec![Ink::new(); COLUMNS.len()],
    };
    if muted { cells.into_iter().map(|cell| cell.all(Tone::Muted)).collect() } else { cells }
}

fn of_program(program: &ManagedProgram, now: Wall) -> Vec<Ink> {
    let state = states::program(program);
    let since = if program.is_up() { program.started } else { program.stopped };
    let exit = states::program_exit(program).map(|(tone, words)| Ink::of(tone, words));
    row(
        Ink::of(state.tone, format!("{} {}", state.mark, state.word)),
        &program.id.to_string(),
        since.map(|at| span(now.since(at).as_secs())),
        exit.unwrap_or_default(),
        program.restarts.unwrap_or_default(),
        program.memory_limit.map(|n| format!("≤{}", bytes(n))).unwrap_or_default(),
    )
}

fn of_unit(unit: &Unit, now: Wall) -> Vec<Ink> {
    let state = match (unit.load, unit.active) {
        (UnitLoad::Masked, _) => Ink::of(Tone::Bad, "✗ masked"),
        (UnitLoad::NotFound, _) => Ink::of(Tone::Bad, "✗ missing"),
        (_, UnitActive::Active | UnitActive::Reloading) => Ink::of(Tone::Good, "● running"),
        (_, UnitActive::Failed) => Ink::of(Tone::Bad, "✗ failed"),
        (_, UnitActive::Inactive) => Ink::of(Tone::Warn, "○ stopped"),
        (_, UnitActive::Activating) => Ink::of(Tone::Warn, "◐ starting"),
        (_, UnitActive::Deactivating) => Ink::of(Tone::Warn, "◐ stopping"),
    };
    let since = if unit.is_up() { unit.active_enter } else { unit.inactive_enter };
    let exit = match (unit.result, unit.exit) {
        (UnitResult::OomKill, _) => Ink::of(Tone::Bad, "out of memory"),
        (UnitResult::StartLimitHit, _) => Ink::of(Tone::Bad, "start limit"),
        (UnitResult::Timeout, _) => Ink::of(Tone::Bad, "timeout"),
        (_, UnitExit::None) => Ink::new(),
        (_, UnitExit::Exited(0)) => Ink::of(Tone::Muted, "exit 0"),
        (_, UnitExit::Exited(status)) => Ink::of(Tone::Bad, format!("exit {status}")),
        (_, UnitExit::Killed(signal)) => Ink::of(Tone::Bad, format!("signal {signal}")),
        (_, UnitExit::Dumped(signal)) => Ink::of(Tone::Bad, format!("crash {signal}")),
    };
    let memory = unit.memory_current.map(bytes).unwrap_or_default();
    row(
        state,
        unit.name.as_str(),
        since.map(|at| span(now.since(at).as_secs())),
        exit,
        unit.restarts.into(),
        memory,
    )
}

fn of_container(container: &Container, now: Wall) -> Vec<Ink> {
    let state = match (container.state, container.health) {
        (ContainerState::Running, Health::Unhealthy) => Ink::of(Tone::Warn, "◐ unhealthy"),
        (ContainerState::Running, _) => Ink::of(Tone::Good, "● running"),
        (ContainerState::Paused, _) => Ink::of(Tone::Warn, "◐ paused"),
        (ContainerState::Restarting, _) => Ink::of(Tone::Bad, "✗ restarting"),
        (ContainerState::Exited, _) => Ink::of(Tone::Bad, "✗ exited"),
        (ContainerState::Created, _) => Ink::of(Tone::Warn, "○ created"),
        (ContainerState::Other, _) => Ink::of(Tone::Warn, "? unknown"),
    };
    let running = container.state == ContainerState::Running;
    let since = if running { container.started } else { container.finished };
    let exit = match container.exit_code {
        _ if container.oom_killed => Ink::of(Tone::Bad, "out of memory"),
        None => Ink::new(),
        Some(0) if running => Ink::new(),
        Some(0) => Ink::of(Tone::Muted, "exit 0"),
        Some(code) => Ink::of(Tone::Bad, format!("exit {code}")),
    };
    let memory = container.memory_limit.map(|n| format!("≤{}", bytes(n))).unwrap_or_default();
    let name = container.name.to_string();
    row(
        state,
        &name,
        since.map(|at| span(now.since(at).as_secs())),
        exit,
        container.restarts,
        memory,
    )
}

fn row(
    state: Ink,
    name: &str,
    since: Option<String>,
    exit: Ink,
    restarts: u64,
    memory: String,
) -> Vec<Ink> {
    let restarts =
        if restarts > 0 { Ink::of(Tone::Warn, format!("{restarts}x")) } else { Ink::new() };
    vec![
        state,
        Ink::of(Tone::Plain, name),
        Ink::of(Tone::Muted, since.unwrap_or_default()),
        exit,
        restarts,
        Ink::of(Tone::Muted, memory),
    ]
}
