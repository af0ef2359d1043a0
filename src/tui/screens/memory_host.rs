//! The host's part of the view of memory: gauges, file systems, and how long tasks wait.

use crate::{
    observation::Stall,
    session::{
        RowKey,
        figures::{bytes, percent},
        page::Tone,
    },
    tui::{ink::Ink, widgets::bar},
};

use super::Part;

/// A row of the host; empty for any other.
pub(super) fn host(part: &Part<'_>, key: &RowKey) -> Ink {
    let case = part.shown.case;
    let (name, used, whole, note) = match key {
        RowKey::Memory => {
            let Some(m) = case.memory.last() else { return Ink::new() };
            let used = m.value.total.saturating_sub(m.value.available);
            ("memory", used, m.value.total, format!("  {} available", bytes(m.value.available)))
        }
        RowKey::Swap => {
            let Some(m) = case.memory.last() else { return Ink::new() };
            let used = m.value.swap_total.saturating_sub(m.value.swap_free);
            ("swap", used, m.value.swap_total, String::new())
        }
        RowKey::Pressure => return stalls(part),
        RowKey::Disk(mount) => {
            let Some(disk) = case.disks.get(mount) else { return Ink::new() };
            let used = disk.value.total.saturating_sub(disk.value.available);
            let note = if disk.value.read_only { "  read-only" } else { "" };
            let label = Ink::of(Tone::Strong, mount.to_string()).pad(14);
            return label.then(gauge(part, used, disk.value.total)).put(Tone::Bad, note);
        }
        _ => return Ink::new(),
    };
    Ink::of(Tone::Strong, name).pad(14).then(gauge(part, used, whole)).put(Tone::Muted, note)
}

fn gauge(part: &Part<'_>, used: u64, whole: u64) -> Ink {
    let wide = match part.width() {
        0..50 => 8,
        50..90 => 20,
        _ => 32,
    };
    bar(used, whole, wide)
        .then(Ink::of(Tone::Strong, percent(used, whole)).pad_left(6))
        .put(Tone::Plain, format!("  {} of {}", bytes(used), bytes(whole)))
}

/// Share of the last 10 s, and of the last minute where it is known, in which tasks waited.
fn stalls(part: &Part<'_>) -> Ink {
    let Some(sample) = part.shown.case.pressure.as_ref().map(|p| p.value) else {
        return Ink::new();
    };
    let wide = part.width() >= 90;
    let mut ink = Ink::of(Tone::Strong, "tasks wait").pad(14);
    for (name, stall) in [("memory", sample.memory), ("cpu", sample.cpu), ("disk", sample.io)] {
        let Some(stall) = stall else { continue };
        ink = ink.put(Tone::Muted, format!("{name} "));
        ink = share(ink, stall.some);
        if wide {
            ink = longer(ink, &stall);
        }
        ink = ink.put(Tone::Plain, "  ");
    }
    ink.put(Tone::Muted, if wide { "of 10 s (60 s; all tasks)" } else { "of 10 s" })
}

fn share(ink: Ink, some: f64) -> Ink {
    let tone = match some {
        some if some >= 40.0 => Tone::Bad,
        some if some >= 10.0 => Tone::Warn,
        _ => Tone::Plain,
    };
    ink.put(tone, format!("{some:.0} %"))
}

fn longer(ink: Ink, stall: &Stall) -> Ink {
    let minute = stall.some_60.map(|some| format!("{some:.0} %"));
    let all = format!("{:.0} %", stall.full);
    let text = minute.map_or_else(|| format!(" (–; {all})"), |m| format!(" ({m}; {all})"));
    ink.put(Tone::Muted, text)
}
