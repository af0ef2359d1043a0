//! Memory in its view: the host, the kills of the incident and whom they served, every group
//! against its limit.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;

use crate::{
    evidence::CgroupTrack,
    observation::{KernelKill, KillScope, Owner},
    session::{
        Pane, RowKey,
        figures::{bytes, day_clock, percent, span},
        page::Tone,
        rows as keys,
        states::{Served, serves},
    },
    tui::{
        ink::Ink,
        widgets::{Column, Sections, Slot, bar, levels, table},
    },
};

use super::{Part, memory_host::host};

const GROUPS: [Column; 9] = [
    Column::new(20, 0),
    Column::new(8, 0).right(),
    Column::new(8, 2).right(),
    Column::new(6, 3),
    Column::new(5, 1).right(),
    Column::new(12, 5),
    Column::new(7, 1).right(),
    Column::new(5, 4).right(),
    Column::new(10, 6).grows(),
];
const KILLS: [Column; 6] = [
    Column::new(10, 0),
    Column::new(10, 3),
    Column::new(18, 0),
    Column::new(7, 4).right(),
    Column::new(12, 5),
    Column::new(20, 1).grows(),
];

/// The sections, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Host,
    Killed,
    Disks,
    Groups,
    Earlier,
}

/// Draws the visible rows.
pub(crate) fn rows(buf: &mut Buffer, part: &Part<'_>) {
    let view = part.view.pane(Pane::Memory);
    let starts = sections(part.keys);
    let at: Vec<usize> = starts.iter().map(|(at, _)| *at).collect();
    // With very little room the rows say what they are.
    let at = if part.area.height < 8 { Vec::new() } else { at };
    let visible = Sections::new(&view, part.keys, &at, part.area);
    let key = |slot: &Slot| match slot {
        Slot::Row(at) => part.keys.get(*at),
        Slot::Heading(_) => None,
    };
    let owners = visible.slots.iter().filter_map(key).filter_map(|key| owner(part, key));
    let served = serves(part.shown, &owners.collect());
    let (mut groups, mut kills) = (Vec::new(), Vec::new());
    for key in visible.slots.iter().filter_map(key) {
        match key {
            RowKey::Cgroup(owner) => groups.extend(group(part, owner, &served)),
            RowKey::Kill(_) | RowKey::Segfault(_) => kills.extend(killed(part, key, &served)),
            _ => {}
        }
    }
    let headings = Headings::of(&mut groups, &mut kills);
    let width = part.width();
    let mut groups = table(groups, &GROUPS, width).into_iter();
    let mut kills = table(kills, &KILLS, width).into_iter();
    let titles = headings.take(&mut groups, &mut kills);
    let lines: Vec<Ink> = visible
        .slots
        .iter()
        .map(|slot| match (slot, key(slot)) {
            (Slot::Heading(at), _) => {
                starts.get(*at).map_or_else(Ink::new, |(_, of)| titles.line(*of))
            }
            (_, Some(RowKey::Cgroup(_))) => groups.next().unwrap_or_default(),
            (_, Some(RowKey::Kill(_) | RowKey::Segfault(_))) => kills.next().unwrap_or_default(),
            (_, Some(key)) => host(part, key).cut(width),
            (_, None) => Ink::new(),
        })
        .collect();
    if part.keys.is_empty() {
        part.rows(buf, part.list(Pane::Memory), &[], "nothing is known of this host's memory");
    }
    visible.draw(buf, part.area, &lines, part.focused);
}

/// First row and kind of each section that has rows.
fn sections(all: &[RowKey]) -> Vec<(usize, Section)> {
    let mut found: Vec<(usize, Section)> = Vec::new();
    let mut groups = false;
    for (at, key) in all.iter().enumerate() {
        groups |= matches!(key, RowKey::Cgroup(_));
        let of = match key {
            RowKey::Kill(_) | RowKey::Segfault(_) if groups => Section::Earlier,
            RowKey::Kill(_) | RowKey::Segfault(_) => Section::Killed,
            RowKey::Disk(_) => Section::Disks,
            RowKey::Cgroup(_) => Section::Groups,
            _ => Section::Host,
        };
        if found.last().is_none_or(|(_, last)| *last != of) {
            found.push((at, of));
        }
    }
    found
}

/// Rows of headings that are set with the rows below them, so that they stand above them.
struct Headings {
    groups: bool,
    kills: bool,
}

/// The headings, set.
struct Titles {
    groups: Ink,
    kills: Ink,
}

impl Headings {
    fn of(groups: &mut Vec<Vec<Ink>>, kills: &mut Vec<Vec<Ink>>) -> Self {
        let row = |names: &[&str]| names.iter().map(|name| Ink::of(Tone::Accent, name)).collect();
        let found = Self { groups: !groups.is_empty(), kills: !kills.is_empty() };
        if found.groups {
            let names = [
                "UNIT / CONTAINER",
                "USED",
                "LIMIT",
                "OF LIMIT",
                "",
                "TREND",
                "FULL IN",
                "KILLS",
                "SERVES",
            ];
            groups.insert(0, row(&names));
        }
        if found.kills {
            let names = ["KILLED AT", "PROCESS", "OF", "HELD", "RAN OUT", "IT SERVED"];
            kills.insert(0, row(&names));
        }
        found
    }

    fn take(
        &self,
        groups: &mut impl Iterator<Item = Ink>,
        kills: &mut impl Iterator<Item = Ink>,
    ) -> Titles {
        let first = |has: bool, of: &mut dyn Iterator<Item = Ink>| {
            if has { of.next().unwrap_or_default() } else { Ink::new() }
        };
        Titles { groups: first(self.groups, groups), kills: first(self.kills, kills) }
    }
}

impl Titles {
    fn line(&self, section: Section) -> Ink {
        match section {
            Section::Host => Ink::of(Tone::Accent, "HOST"),
            Section::Killed => self.kills.clone(),
            Section::Disks => Ink::of(Tone::Accent, "FILE SYSTEMS THAT ARE NEARLY FULL"),
            Section::Groups => self.groups.clone(),
            Section::Earlier => Ink::of(Tone::Accent, "EARLIER, OR NO PART OF THIS"),
        }
    }
}

fn owner(part: &Part<'_>, key: &RowKey) -> Option<Owner> {
    match key {
        RowKey::Cgroup(owner) => Some(owner.clone()),
        RowKey::Kill(n) => {
            part.shown.case.kills.iter().find(|k| k.sequence == *n).and_then(|k| k.owner.clone())
        }
        _ => None,
    }
}

fn group(part: &Part<'_>, owner: &Owner, served: &BTreeMap<Owner, Served>) -> Option<Vec<Ink>> {
    let track: &CgroupTrack = part.shown.case.cgroups.get(owner)?;
    let now = &track.now.value;
    let wide = if part.width() < 90 { 8 } else { 16 };
    let used =
        now.memory.map_or_else(|| Ink::of(Tone::Muted, "–"), |n| Ink::of(Tone::Plain, bytes(n)));
    let (gauge, part_of) = match (now.memory, now.memory_max) {
        (Some(used), Some(limit)) => {
            (bar(used, limit, wide), Ink::of(Tone::Strong, percent(used, limit)))
        }
        _ => (Ink::new(), Ink::new()),
    };
    let limit = match now.memory_max {
        Some(limit) => Ink::of(Tone::Plain, bytes(limit)),
        None => Ink::of(Tone::Muted, "no limit"),
    };
    let trend = levels(track.memory.iter().copied(), now.memory_max, 12);
    let full = keys::secs_to_limit(track)
        .map_or_else(Ink::new, |secs| Ink::of(Tone::Bad, span(secs.cast_signed().max(5))));
    let kills = match now.oom_kills {
        Some(0) | None => Ink::new(),
        Some(n) => Ink::of(Tone::Bad, n.to_string()),
    };
    let serves = served.get(owner).map(Served::words).unwrap_or_default();
    let name = keys::owner_name(part.shown, Some(owner));
    Some(vec![
        Ink::of(Tone::Plain, name),
        used,
        limit,
        gauge,
        part_of,
        trend,
        full,
        kills,
        Ink::of(Tone::Muted, serves),
    ])
}

fn killed(part: &Part<'_>, key: &RowKey, served: &BTreeMap<Owner, Served>) -> Option<Vec<Ink>> {
    let case = part.shown.case;
    let clock = |at| day_clock(at, &part.look.zone, case.now.wall);
    match key {
        RowKey::Kill(n) => {
            let kill: &KernelKill = case.kills.iter().find(|k| k.sequence == *n)?;
            let outside = keys::outside(part.shown, kill);
            let tone = if outside.is_some() { Tone::Muted } else { Tone::Bad };
            let ran_out = match (&kill.scope, kill.limit) {
                (KillScope::Host, _) => "host memory".to_owned(),
                (_, Some(limit)) => format!("limit {}", bytes(limit)),
                (KillScope::Cgroup(_), None) => "its limit".to_owned(),
                (KillScope::Nodes, None) => "a memory node".to_owned(),
            };
            let routes = kill.owner.as_ref().and_then(|owner| served.get(owner));
            let whom = match (outside, routes.map(Served::words)) {
                (Some(why), _) => Ink::of(Tone::Muted, why),
                (None, Some(words)) if !words.is_empty() => Ink::of(Tone::Strong, words),
                (None, _) => Ink::of(Tone::Muted, "not known"),
            };
            Some(vec![
                Ink::of(tone, "▲ ").put(Tone::Plain, clock(kill.at)),
                Ink::of(Tone::Plain, kill.name.to_string()),
                Ink::of(
                    if outside.is_some() { Tone::Muted } else { Tone::Strong },
                    keys::owner_name(part.shown, kill.owner.as_ref()),
                ),
                Ink::of(Tone::Plain, bytes(kill.rss)),
                Ink::of(Tone::Muted, ran_out),
                whom,
            ])
        }
        RowKey::Segfault(n) => {
            let fault = case.segfaults.iter().find(|f| f.sequence == *n)?;
            Some(vec![
                Ink::of(Tone::Bad, "✗ ").put(Tone::Plain, clock(fault.at)),
                Ink::of(Tone::Plain, fault.name.to_string()),
                Ink::of(Tone::Strong, keys::owner_name(part.shown, case.owner_of(fault.pid))),
                Ink::new(),
                Ink::of(Tone::Bad, "crashed"),
                Ink::new(),
            ])
        }
        _ => None,
    }
}
