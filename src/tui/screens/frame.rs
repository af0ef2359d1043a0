//! What all panes share: title, source and age, what is out of sight, the names of the others.

use ratatui::buffer::Buffer;

use crate::{
    observation::KernelKill,
    session::{
        Pane, Place, RowKey, Shown, View,
        figures::{ago, span},
        layout::Area,
        page::Tone,
        recovery::Past,
        rows, tab_names,
    },
    tui::{
        Look,
        ink::Ink,
        widgets::{self, List, Title},
    },
};

/// What a pane is drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Evidence and diagnosis.
    pub(crate) shown: &'a Shown<'a>,
    /// How to show them.
    pub(crate) look: &'a Look,
    /// Where the person looks.
    pub(crate) view: &'a View,
    /// The pane's rows.
    pub(crate) keys: &'a [RowKey],
    /// Where the rows go.
    pub(crate) area: Area,
    /// Whether the keys go there.
    pub(crate) focused: bool,
    /// Repairs of this session that are over.
    pub(crate) over: &'a [Past],
}

impl Part<'_> {
    /// Columns of a row's text.
    pub(crate) fn width(&self) -> usize {
        usize::from(self.area.width.saturating_sub(2))
    }

    /// The visible part of the list.
    pub(crate) fn list(&self, pane: Pane) -> List {
        List::new(&self.view.pane(pane), self.keys, self.area)
    }

    /// Draws visible rows, or why there are none.
    pub(crate) fn rows(&self, buf: &mut Buffer, list: List, rows: &[Ink], none: &str) {
        if self.keys.is_empty() {
            let text = if !self.view.query.is_empty() && self.focused {
                "nothing found; Esc shows all again"
            } else if self.shown.is_looking() {
                "looking…"
            } else {
                none
            };
            Ink::of(Tone::Muted, format!("  {text}"))
                .cut(usize::from(self.area.width))
                .draw(buf, self.area, 0);
        }
        widgets::list(buf, self.area, list, rows, self.focused);
    }
}

/// Draws a pane's title line.
pub(crate) fn title(buf: &mut Buffer, area: Area, pane: Pane, tabs: &[Pane], part: &Part<'_>) {
    let list = part.list(pane);
    let mut summary = summary(pane, part);
    let query = part.view.query_in(pane);
    if !query.is_empty() {
        summary = Ink::of(Tone::Accent, format!("/{query}"))
            .put(Tone::Plain, format!(" {} found", part.keys.len()));
    }
    if list.visible < part.keys.len() && pane != Pane::Cause {
        let text =
            format!("  {}–{} of {}", list.first + 1, list.first + list.visible, part.keys.len());
        summary = summary.put(Tone::Muted, text);
    }
    let focused = part.focused;
    let name = name(pane, tabs, focused, area.width);
    let place = part.view.place;
    let mut whence = source(pane, place, part.shown);
    // In a view of its own age and staleness stay where there is little room.
    if place != Place::Overview {
        let width = usize::from(area.width);
        let fits = |summary: &Ink, whence: &[Ink]| {
            let source: usize = whence.iter().map(Ink::width).sum();
            name.width() + summary.width() + source + 11 <= width
        };
        if !fits(&summary, &whence) {
            whence.remove(0);
        }
        if !fits(&summary, &whence) {
            summary = Ink::new();
        }
    }
    let source = whence.into_iter().fold(Ink::new(), Ink::then);
    widgets::title(buf, area, Title { name, focused, summary, source });
}

/// Key and name of a pane, between those that share its place.
fn name(pane: Pane, tabs: &[Pane], focused: bool, width: u16) -> Ink {
    let open = if focused { Tone::Accent } else { Tone::Strong };
    if tabs.is_empty() {
        return Ink::of(open, format!("{} {}", pane.place().digit(), pane.title()));
    }
    let mut line = Ink::new();
    for name in tab_names(tabs, width) {
        let gap = if line.is_empty() { "" } else { "  " };
        let tone = if name.of == pane { open } else { Tone::Muted };
        line = line.put(Tone::Plain, gap).put(tone, name.text);
    }
    line
}

fn summary(pane: Pane, part: &Part<'_>) -> Ink {
    let diagnosis = part.shown.diagnosis;
    match pane {
        Pane::Upstreams => {
            let of = |state: &str| diagnosis.upstreams.iter().filter(|r| r.state == state).count();
            let (down, all) = (of("down"), diagnosis.upstreams.len());
            if down > 0 {
                Ink::of(Tone::Bad, format!("{down} of {all} down"))
            } else {
                Ink::of(Tone::Muted, format!("{all}"))
            }
        }
        Pane::Timeline => super::marks::summary(part),
        Pane::Cause if diagnosis.findings.len() > 1 => {
            Ink::of(Tone::Muted, format!("{} that hold now", diagnosis.findings.len()))
        }
        Pane::Memory => {
            let kills = part.shown.case.kills.iter();
            let behind = rows::behind(part.shown);
            let inside = |k: &&KernelKill| rows::outside_of(part.shown, &behind, k).is_none();
            match kills.filter(inside).count() {
                0 => Ink::new(),
                1 => Ink::of(Tone::Bad, "1 kill"),
                n => Ink::of(Tone::Bad, format!("{n} kills")),
            }
        }
        _ => Ink::new(),
    }
}

/// Names of a pane's sources, and how old their newest word is.
pub(super) fn source(pane: Pane, place: Place, shown: &Shown<'_>) -> Vec<Ink> {
    let names = match pane {
        Pane::Cause if place == Place::Overview => return vec![Ink::new()],
        Pane::Cause => "all sources",
        Pane::Upstreams => "config, sockets, probes",
        Pane::Errors => "logs",
        Pane::Memory => "kernel log, cgroups",
        Pane::Units => "systemd, docker",
        Pane::Timeline => "logs, systemd, docker, kernel log",
    };
    let case = shown.case;
    let theirs = rows::sources(pane);
    let all = case.heard.iter().filter(|(id, _)| theirs.is_empty() || theirs.contains(id));
    let names = Ink::of(Tone::Muted, names);
    let Some(newest) = all.map(|(_, at)| at).max() else {
        return vec![names.put(Tone::Plain, " "), Ink::of(Tone::Warn, "not heard yet")];
    };
    if let Some(secs) = shown.stale_secs() {
        let secs = span(secs.cast_signed());
        let why = if place == Place::Overview { ": silent for" } else { "" };
        let text = format!("stale{why} {secs}");
        return vec![names.put(Tone::Plain, " "), Ink::of(Tone::Warn, text)];
    }
    vec![names.put(Tone::Muted, " · "), Ink::of(Tone::Muted, ago(newest.wall, case.now.wall))]
}

/// Draws what a pane cannot show, and how to open it.
pub(crate) fn notes(buf: &mut Buffer, area: Area, pane: Pane, part: &Part<'_>) {
    let mut spots = rows::blind(part.shown, pane);
    let (Some(spot), false) = (spots.next(), area.is_empty()) else { return };
    let more = spots.count();
    let mut line = Ink::of(Tone::Warn, "○ out of sight: ")
        .put(Tone::Plain, spot.hides.to_string())
        .put(Tone::Muted, format!(" ({}: {})", spot.source, spot.why));
    if !spot.grant.is_empty() {
        line = line.put(Tone::Muted, "; to open it: ").put(Tone::Plain, spot.grant.to_string());
    }
    let right = if more > 0 { Ink::of(Tone::Muted, format!("+{more}")) } else { Ink::new() };
    let (_, text) = area.split_left(2, 0);
    let width = usize::from(text.width);
    line.cut(width.saturating_sub(right.width() + 2))
        .with_right(right, width, 0)
        .draw(buf, text, 0);
}
