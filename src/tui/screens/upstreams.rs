//! The upstreams, each as its chain: state, address, who stands behind it.

use ratatui::buffer::Buffer;

use crate::{
    diagnosis::UpstreamRow,
    session::{Pane, figures::count, page::Tone, rows},
    tui::{
        ink::Ink,
        widgets::{Column, table},
    },
};

use super::Part;

const COLUMNS: [Column; 8] = [
    Column::new(10, 0),
    Column::new(7, 3),
    Column::new(16, 0),
    Column::new(4, 1),
    Column::new(18, 1),
    Column::new(14, 2).grows(),
    Column::new(9, 4).right(),
    Column::new(8, 1).right(),
];

/// What is said when there are none.
pub(super) const NONE: &str = "no gateway passes requests to anything that we could read";

/// Draws the pane.
pub(crate) fn upstreams(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Upstreams);
    let cells = rows::upstream_rows(part.shown, list.visible(part.keys))
        .into_iter()
        .map(|row| cells(row, rows::home(part.shown, &row.gateway), part.width() < 100))
        .collect();
    let lines = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &lines, NONE);
}

/// Symbol and word of a state.
pub(super) fn state(state: &str) -> Ink {
    match state {
        "up" => Ink::of(Tone::Good, "● up"),
        "down" => Ink::of(Tone::Bad, "✗ down"),
        "degraded" => Ink::of(Tone::Warn, "◐ degraded"),
        _ => Ink::of(Tone::Warn, "? unknown"),
    }
}

fn cells(row: &UpstreamRow, home: Option<String>, narrow: bool) -> Vec<Ink> {
    let bad = row.state != "up";
    let queue =
        row.queue.filter(|(waiting, _)| *waiting > 0).map_or_else(Ink::new, |(n, limit)| {
            let tone = if n >= limit { Tone::Bad } else { Tone::Plain };
            Ink::of(tone, format!("queue {n}/{limit}"))
        });
    let errors = if row.errors > 0 {
        Ink::of(Tone::Bad, count(row.errors)).put(Tone::Muted, " err")
    } else {
        Ink::new()
    };
    let address = match row.address.strip_prefix("unix:").and_then(|path| path.rsplit_once('/')) {
        Some((_, name)) if narrow => format!("…/{name}"),
        _ => row.address.clone(),
    };
    let address = Ink::of(if bad { Tone::Strong } else { Tone::Plain }, address);
    let reason = Ink::of(if bad { Tone::Plain } else { Tone::Muted }, &row.reason);
    let protocol = Ink::of(Tone::Muted, row.protocol.as_str());
    let home =
        home.map_or_else(Ink::new, |home| Ink::of(Tone::Muted, format!("of {home}")).cut(18));
    vec![state(row.state), protocol, address, home, behind(row), reason, queue, errors]
}

fn behind(row: &UpstreamRow) -> Ink {
    let arrow = Ink::of(Tone::Muted, "→ ");
    if let Some((_, name)) = &row.container {
        return arrow.put(Tone::Plain, name.to_string()).put(Tone::Muted, " container");
    }
    if let Some(program) = &row.program {
        let arrow = if row.unit_serves {
            arrow
        } else {
            arrow.put(Tone::Bad, "nobody").put(Tone::Muted, ", should be ")
        };
        let manager = format!(" {}", program.manager);
        return arrow.put(Tone::Plain, program.name.to_string()).put(Tone::Muted, manager);
    }
    match (&row.unit, &row.process) {
        (Some(unit), _) if row.unit_serves => {
            let pid = row.pid.map(|pid| format!(" pid {pid}")).unwrap_or_default();
            arrow.put(Tone::Plain, unit.as_str()).put(Tone::Muted, pid)
        }
        (Some(unit), _) => arrow
            .put(Tone::Bad, "nobody")
            .put(Tone::Muted, ", should be ")
            .put(Tone::Plain, unit.as_str()),
        (None, Some(process)) => {
            let pid = row.pid.map(|pid| format!(" pid {pid}")).unwrap_or_default();
            arrow.put(Tone::Plain, process.to_string()).put(Tone::Muted, pid)
        }
        (None, None) if row.state == "down" => arrow.put(Tone::Bad, "nobody"),
        (None, None) => arrow.put(Tone::Muted, "not known"),
    }
}
