//! Memory: the host, memory kills, and the groups of units and containers against their limits.

use ratatui::buffer::Buffer;

use crate::{
    evidence::CgroupTrack,
    observation::{KernelKill, KillScope, Owner, PressureSample},
    session::{
        Pane, RowKey,
        figures::{bytes, day_clock, percent, span},
        page::Tone,
        rows,
    },
    tui::{ink::Ink, widgets::bar},
};

use super::Part;

/// Columns of a bar.
const BAR: usize = 12;

/// Draws the pane.
pub(crate) fn memory(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Memory);
    let visible = list.visible(part.keys).iter();
    let rows: Vec<Ink> = visible.map(|key| row(part, key).cut(part.width())).collect();
    part.rows(buf, list, &rows, "nothing is known of this host's memory");
}

fn label(part: &Part<'_>, tone: Tone, text: impl AsRef<str>) -> Ink {
    let width = (part.width() / 3).clamp(8, 30);
    Ink::of(tone, text).pad(width).put(Tone::Plain, "  ")
}

fn row(part: &Part<'_>, key: &RowKey) -> Ink {
    let case = part.shown.case;
    let row = match key {
        RowKey::Memory => case.memory.last().map(|m| {
            let used = m.value.total.saturating_sub(m.value.available);
            gauge(part, label(part, Tone::Strong, "host memory"), used, m.value.total, "")
        }),
        RowKey::Swap => case.memory.last().map(|m| {
            let used = m.value.swap_total.saturating_sub(m.value.swap_free);
            gauge(part, label(part, Tone::Strong, "host swap"), used, m.value.swap_total, "")
        }),
        RowKey::Pressure => case.pressure.as_ref().map(|p| stalls(part, p.value)),
        RowKey::Kill(n) => case.kills.iter().find(|k| k.sequence == *n).map(|k| kill(part, k)),
        RowKey::Segfault(n) => case.segfaults.iter().find(|f| f.sequence == *n).map(|fault| {
            let at = day_clock(fault.at, &part.look.zone, case.now.wall);
            Ink::of(Tone::Bad, "✗ ")
                .put(Tone::Muted, at)
                .put(Tone::Plain, format!("  {} (pid {}) crashed", fault.name, fault.pid))
        }),
        RowKey::Cgroup(owner) => case.cgroups.get(owner).map(|track| group(part, owner, track)),
        RowKey::Disk(mount) => case.disks.get(mount).map(|d| {
            let used = d.value.total.saturating_sub(d.value.available);
            let note = if d.value.read_only { "  read-only" } else { "" };
            gauge(
                part,
                label(part, Tone::Strong, format!("disk {mount}")),
                used,
                d.value.total,
                note,
            )
        }),
        _ => None,
    };
    row.unwrap_or_default()
}

/// A label, a bar, and the figures.
fn gauge(part: &Part<'_>, label: Ink, used: u64, whole: u64, note: &str) -> Ink {
    let room = part.width().saturating_sub(label.width());
    let width = if room > 40 { BAR } else { 6 };
    let figures = Ink::of(Tone::Plain, bytes(used)).pad_left(9);
    let ink = label.then(bar(used, whole, width)).then(figures);
    let ink = if note.is_empty() || room > 60 {
        ink.put(Tone::Muted, format!(" of {:<8}", bytes(whole)))
    } else {
        ink
    };
    ink.put(Tone::Plain, format!(" {:>5}", percent(used, whole))).put(Tone::Bad, note)
}

fn stalls(part: &Part<'_>, sample: PressureSample) -> Ink {
    let mut ink = label(part, Tone::Strong, "tasks that wait");
    for (name, stall) in [("memory", sample.memory), ("cpu", sample.cpu), ("disk", sample.io)] {
        let Some(stall) = stall else { continue };
        let tone = match stall.some {
            some if some >= 40.0 => Tone::Bad,
            some if some >= 10.0 => Tone::Warn,
            _ => Tone::Plain,
        };
        ink = ink.put(Tone::Muted, format!("{name} ")).put(tone, format!("{:.0} %  ", stall.some));
    }
    ink
}

fn kill(part: &Part<'_>, kill: &KernelKill) -> Ink {
    let at = day_clock(kill.at, &part.look.zone, part.shown.case.now.wall);
    let whose = rows::owner_name(part.shown, kill.owner.as_ref());
    let limit = match (&kill.scope, kill.limit) {
        (KillScope::Host, _) => "host memory ran out".to_owned(),
        (_, Some(limit)) => format!("limit {}", bytes(limit)),
        (KillScope::Cgroup(_), None) => "its group's limit".to_owned(),
        (KillScope::Nodes, None) => "a memory node ran out".to_owned(),
    };
    if let Some(why) = rows::outside(part.shown, kill) {
        let text = format!("· {at} {why}: {} of {whose}, {limit}", kill.name);
        return Ink::of(Tone::Muted, text);
    }
    let ink = Ink::of(Tone::Bad, "✗ ")
        .put(Tone::Muted, at)
        .put(Tone::Bad, " killed ")
        .put(Tone::Strong, whose)
        .put(Tone::Plain, format!(", {limit}"));
    let victim = Ink::of(Tone::Muted, format!(" ({})", kill.name));
    let fits = ink.width() + victim.width() <= part.width();
    if fits { ink.then(victim) } else { ink }
}

fn group(part: &Part<'_>, owner: &Owner, track: &CgroupTrack) -> Ink {
    let name = label(part, Tone::Plain, rows::owner_name(part.shown, Some(owner)));
    let now = &track.now.value;
    let (Some(used), Some(limit)) = (now.memory, now.memory_max) else {
        let used = now.memory.map_or_else(|| "not counted".to_owned(), bytes);
        let room = part.width().saturating_sub(name.width());
        let width = if room > 40 { BAR } else { 6 };
        return name
            .put(Tone::Plain, " ".repeat(width))
            .then(Ink::of(Tone::Plain, used).pad_left(9))
            .put(Tone::Muted, ", no limit");
    };
    let note = rows::secs_to_limit(track)
        .map(|secs| format!("  full in {}", span(secs.cast_signed().max(5))))
        .unwrap_or_default();
    gauge(part, name, used, limit, &note)
}
