//! Units and containers in their view: state, rhythm of restarts, last exit in words, whom they
//! serve.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;

use crate::{
    observation::{Container, ContainerState, Health, ManagedProgram, Owner, Unit},
    session::{
        Pane, Place, RowKey,
        figures::{bytes, span},
        page::Tone,
        rows as keys,
        sections::{Sections, Slot, is_needed, starts},
        states::{self, Restarts, Served, State, serves},
    },
    tui::{
        ink::Ink,
        widgets::{self, Column, table},
    },
};

use super::Part;

const COLUMNS: [Column; 8] = [
    Column::new(12, 0),
    Column::new(20, 0),
    Column::new(5, 3).right(),
    Column::new(8, 2),
    Column::new(7, 6).right(),
    Column::new(9, 5),
    Column::new(24, 1).grows(),
    Column::new(12, 4),
];

/// Draws the visible rows.
pub(crate) fn rows(buf: &mut Buffer, part: &Part<'_>) {
    let behind = keys::behind(part.shown);
    let programs = keys::programs_behind(part.shown);
    let needed = |key: &RowKey| is_needed(key, &behind, &programs);
    let view = part.view.pane(Pane::Units);
    let starts = starts(Place::Units, part.shown, part.keys, part.area.height);
    let visible = Sections::new(&view, part.keys, &starts, part.area);
    let key = |slot: &Slot| match slot {
        Slot::Row(at) => part.keys.get(*at),
        Slot::Heading(_) => None,
    };
    let shown = visible.slots.iter().filter_map(key);
    let served = serves(part.shown, &shown.clone().filter_map(owner).collect());
    let restarts = Restarts::new(part.shown);
    let names = ["STATE", "NAME", "SINCE", "RESTARTS", "MEMORY", "HEALTH", "LAST EXIT", "SERVES"];
    let rows: Vec<Vec<Ink>> =
        shown.map(|key| cells(part, key, (&restarts, &served), needed(key))).collect();
    // A column in which nothing stands has no heading, and so no room.
    let filled = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|c| !c.is_empty()));
    let heading = names
        .iter()
        .enumerate()
        .map(|(at, name)| if filled(at) { Ink::of(Tone::Accent, name) } else { Ink::new() });
    let mut all: Vec<Vec<Ink>> = vec![heading.collect()];
    all.extend(rows);
    let mut lines = table(all, &COLUMNS, part.width()).into_iter();
    let heading = lines.next().unwrap_or_default();
    let lines: Vec<Ink> = visible
        .slots
        .iter()
        .map(|slot| match slot {
            Slot::Heading(0) => heading.clone(),
            Slot::Heading(_) => {
                Ink::of(Tone::Muted, "no request depends on these").cut(part.width())
            }
            Slot::Row(_) => lines.next().unwrap_or_default(),
        })
        .collect();
    if part.keys.is_empty() {
        part.rows(buf, part.list(Pane::Units), &[], "no unit, program or container is known");
    }
    widgets::sections(buf, part.area, &visible, &lines, part.focused);
}

fn owner(key: &RowKey) -> Option<Owner> {
    match key {
        RowKey::Unit(name) => Some(Owner::Unit(name.clone())),
        RowKey::Container(id) => Some(Owner::Container(id.clone())),
        RowKey::Program(id) => Some(Owner::Program(id.clone())),
        _ => None,
    }
}

fn cells(
    part: &Part<'_>,
    key: &RowKey,
    (restarts, served): (&Restarts, &BTreeMap<Owner, Served>),
    needed: bool,
) -> Vec<Ink> {
    let case = part.shown.case;
    let (state, mut cells) = match key {
        RowKey::Unit(name) => match case.units.get(name) {
            Some(unit) => of_unit(part, unit, restarts),
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        RowKey::Container(id) => match case.containers.get(id) {
            Some(container) => of_container(part, container, restarts),
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        RowKey::Program(id) => match case.program(id) {
            Some((_, program)) => of_program(part, program),
            None => return vec![Ink::new(); COLUMNS.len()],
        },
        _ => return vec![Ink::new(); COLUMNS.len()],
    };
    let whom = owner(key).and_then(|owner| served.get(&owner)).map(Served::words);
    cells.push(Ink::of(Tone::Muted, whom.unwrap_or_default()));
    if needed || state.tone == Tone::Bad {
        return cells;
    }
    cells.into_iter().map(|cell| cell.all(Tone::Muted)).collect()
}

fn of_unit(part: &Part<'_>, unit: &Unit, restarts: &Restarts) -> (State, Vec<Ink>) {
    let state = states::unit(part.shown, restarts, unit);
    let since = if unit.is_up() { unit.active_enter } else { unit.inactive_enter };
    let exit = states::unit_exit(unit).filter(|(tone, _)| !unit.is_up() || *tone == Tone::Bad);
    let memory = unit.memory_current.map(bytes).unwrap_or_default();
    let since = since.map(|at| span(part.shown.case.now.wall.since(at).as_secs()));
    let cells =
        row(&state, unit.name.as_str(), since, &restarts.of_unit(unit), memory, Ink::new(), exit);
    (state, cells)
}

fn of_program(part: &Part<'_>, program: &ManagedProgram) -> (State, Vec<Ink>) {
    let state = states::program(program);
    let since = if program.is_up() { program.started } else { program.stopped };
    let since = since.map(|at| span(part.shown.case.now.wall.since(at).as_secs()));
    let restarts = program.restarts.filter(|n| *n > 0).map(|n| format!("{n} in all"));
    let memory = program.memory_limit.map(|n| format!("≤{}", bytes(n))).unwrap_or_default();
    let name = program.id.to_string();
    let health = match (program.up, program.wanted) {
        (up, wanted) if wanted > 1 && up < wanted => {
            Ink::of(if up == 0 { Tone::Bad } else { Tone::Warn }, format!("{up} of {wanted}"))
        }
        _ => Ink::new(),
    };
    let exit =
        states::program_exit(program).filter(|(tone, _)| !program.is_up() || *tone == Tone::Bad);
    let cells = row(&state, &name, since, &restarts.unwrap_or_default(), memory, health, exit);
    (state, cells)
}

fn of_container(part: &Part<'_>, container: &Container, restarts: &Restarts) -> (State, Vec<Ink>) {
    let state = states::container(part.shown, restarts, container);
    let up = container.state == ContainerState::Running;
    let since = if up { container.started } else { container.finished };
    let exit = states::container_exit(container);
    let track = part.shown.case.cgroups.get(&Owner::Container(container.id.clone()));
    let used = track.and_then(|track| track.now.value.memory).map(bytes);
    let limit = || container.memory_limit.map(|n| format!("≤{}", bytes(n)));
    let memory = used.or_else(limit).unwrap_or_default();
    let health = match container.health {
        Health::None => Ink::new(),
        Health::Starting => Ink::of(Tone::Warn, "starting"),
        Health::Healthy => Ink::of(Tone::Good, "healthy"),
        Health::Unhealthy => Ink::of(Tone::Bad, "unhealthy"),
    };
    let name = container.name.to_string();
    let since = since.map(|at| span(part.shown.case.now.wall.since(at).as_secs()));
    let cells = row(&state, &name, since, &restarts.of_container(container), memory, health, exit);
    (state, cells)
}

fn row(
    state: &State,
    name: &str,
    since: Option<String>,
    restarts: &str,
    memory: String,
    health: Ink,
    exit: Option<(Tone, String)>,
) -> Vec<Ink> {
    let bad = state.tone == Tone::Bad;
    vec![
        Ink::of(state.tone, format!("{} {}", state.mark, state.word)),
        Ink::of(if bad { Tone::Strong } else { Tone::Plain }, name),
        Ink::of(Tone::Muted, since.unwrap_or_default()),
        Ink::of(Tone::Warn, restarts),
        Ink::of(Tone::Muted, memory),
        health,
        exit.map_or_else(Ink::new, |(tone, words)| Ink::of(tone, words)),
    ]
}
