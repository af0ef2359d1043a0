//! What the pages of text on a wall screen say; everything in them has passed the mask.

use std::fmt::Write as _;

use crate::{
    diagnosis::{Confidence, Finding},
    evidence::nginx_line,
    observation::{Container, ContainerState, KernelKill, Unit, UnitActive, UnitResult},
    session::{
        Model, Shown,
        figures::{bytes, percent, span},
        page::{Block, Page, Tone},
        rows,
    },
};

use super::{Board, Kiosk, Mask};

/// Rows of one kind on a page at most; a wall has room for no more.
const ROWS: usize = 12;

/// The text of a page, masked; none for the pages that are drawn.
pub fn page(model: &Model, board: Board) -> Option<Page> {
    let shown = model.shown();
    let page = match board {
        Board::State | Board::Requests => return None,
        Board::Cause => cause(&shown),
        Board::Upstreams => upstreams(&shown),
        Board::Host => host(&shown),
        Board::Screen => screen(&shown, model.kiosk.as_ref()?),
    };
    Some(masked(page, &Mask::new(&shown)))
}

fn masked(mut page: Page, mask: &Mask) -> Page {
    for block in &mut page.blocks {
        match block {
            Block::Gap => {}
            Block::Heading(text)
            | Block::Text(_, text)
            | Block::Entry(_, _, text)
            | Block::Log(_, _, text)
            | Block::Quote(_, text)
            | Block::Told(_, text) => *text = mask.text(text),
            Block::Event(_, _, _, text, origin) => {
                (*text, *origin) = (mask.text(text), mask.text(origin));
            }
        }
    }
    page
}

fn cause(shown: &Shown<'_>) -> Page {
    let mut page = Page::new(Board::Cause.title());
    let Some(first) = shown.diagnosis.findings.first() else {
        page.text(Tone::Muted, "Nothing speaks for a cause.");
        return page;
    };
    page.text(Tone::Strong, first.summary.clone());
    page.blocks.push(Block::Gap);
    page.toned(first.confidence.as_str(), confidence(first), first.cause);
    page.heading("What speaks for it");
    for one in first.evidence.iter().take(ROWS) {
        let line = nginx_line::parse(&one.what).map(|line| line.message.to_string());
        let what = line.unwrap_or_else(|| one.what.clone());
        page.blocks.push(Block::Event('+', Tone::Good, one.at, what, String::new()));
    }
    if !first.missing.is_empty() {
        page.heading("What would decide and is out of sight");
    }
    for one in first.missing.iter().take(ROWS) {
        page.blocks.push(Block::Event('?', Tone::Warn, None, one.what.clone(), String::new()));
    }
    let others = shown.diagnosis.findings.iter().skip(1);
    if others.len() > 0 {
        page.heading("Also");
    }
    for other in others.take(3) {
        page.blocks.push(Block::Event(
            '·',
            Tone::Muted,
            None,
            other.summary.clone(),
            String::new(),
        ));
    }
    page
}

const fn confidence(finding: &Finding) -> Tone {
    match finding.confidence {
        Confidence::Confirmed => Tone::Bad,
        _ => Tone::Warn,
    }
}

fn upstreams(shown: &Shown<'_>) -> Page {
    let mut page = Page::new(Board::Upstreams.title());
    let all = &shown.diagnosis.upstreams;
    let of = |state: &str| all.iter().filter(|row| row.state == state).count();
    let (down, shaky, unknown) = (of("down"), of("degraded"), of("unknown"));
    let tone = if down > 0 { Tone::Bad } else { Tone::Good };
    let mut text = format!("{} of {} answer", of("up"), all.len());
    for (n, word) in [(down, "down"), (shaky, "degraded"), (unknown, "unknown")] {
        if n > 0 {
            let _ = write!(text, ", {n} {word}");
        }
    }
    page.text(if down > 0 { Tone::Strong } else { tone }, text);
    page.blocks.push(Block::Gap);
    let keys = rows::keys(shown, crate::session::Pane::Upstreams, "");
    let found = keys.iter().filter_map(|key| match key {
        rows::RowKey::Upstream(id) => all.iter().find(|row| row.id == *id),
        _ => None,
    });
    for row in found.take(ROWS) {
        let (mark, tone) = match row.state {
            "up" => ('●', Tone::Good),
            "down" => ('✗', Tone::Bad),
            "degraded" => ('◐', Tone::Warn),
            _ => ('?', Tone::Warn),
        };
        let unit = row.unit.as_ref().map(ToString::to_string);
        let container = row.container.as_ref().map(|(_, name)| name.to_string());
        let behind = container.or(unit).map(|name| format!("  {name}")).unwrap_or_default();
        let text = format!("{}  {}{behind}: {}", row.state, row.address, row.reason);
        page.blocks.push(Block::Event(mark, tone, None, text, String::new()));
    }
    rest(&mut page, all.len());
    page
}

fn rest(page: &mut Page, all: usize) {
    if all > ROWS {
        page.text(Tone::Muted, format!("and {} more", all - ROWS));
    }
}

fn host(shown: &Shown<'_>) -> Page {
    let mut page = Page::new(Board::Host.title());
    if let Some(sample) = shown.case.memory.last() {
        let m = sample.value;
        let used = m.total.saturating_sub(m.available);
        let share = percent(used, m.total);
        page.entry("memory", format!("{} of {}, {share}", bytes(used), bytes(m.total)));
        let swapped = m.swap_total.saturating_sub(m.swap_free);
        if m.swap_total > 0 {
            page.entry("swap", format!("{} of {}", bytes(swapped), bytes(m.swap_total)));
        }
    }
    let behind = rows::behind(shown);
    let inside = |kill: &&KernelKill| rows::outside_of(shown, &behind, kill).is_none();
    let kills: Vec<_> = shown.case.kills.iter().filter(inside).collect();
    if !kills.is_empty() {
        page.heading("Killed by the kernel");
    }
    for kill in kills.iter().rev().take(ROWS / 2) {
        let of = rows::owner_name(shown, kill.owner.as_ref());
        let text = format!("{} of {of}: memory ran out", kill.name);
        page.blocks.push(Block::Event('✗', Tone::Bad, Some(kill.at), text, String::new()));
    }
    page.heading("Units and containers");
    let trouble = troubled(shown);
    if trouble.is_empty() {
        page.blocks.push(Block::Event(
            '●',
            Tone::Good,
            None,
            "whatever requests depend on is running".to_owned(),
            String::new(),
        ));
    }
    for (mark, tone, text) in trouble.iter().take(ROWS).cloned() {
        page.blocks.push(Block::Event(mark, tone, None, text, String::new()));
    }
    rest(&mut page, trouble.len());
    page
}

/// Units and containers that requests depend on and that do not run.
fn troubled(shown: &Shown<'_>) -> Vec<(char, Tone, String)> {
    let (units, containers) = rows::behind(shown);
    let now = shown.case.now.wall;
    let since = |at: Option<crate::observation::Wall>| {
        at.map(|at| format!(" for {}", span(now.since(at).as_secs()))).unwrap_or_default()
    };
    let unit = |unit: &Unit| {
        let (mark, tone, word) = match unit.active {
            UnitActive::Active | UnitActive::Reloading => return None,
            UnitActive::Failed => ('✗', Tone::Bad, "failed"),
            UnitActive::Inactive => ('○', Tone::Warn, "stopped"),
            UnitActive::Activating => ('◐', Tone::Warn, "starting"),
            UnitActive::Deactivating => ('◐', Tone::Warn, "stopping"),
        };
        let why = if unit.result == UnitResult::OomKill { ", out of memory" } else { "" };
        Some((mark, tone, format!("{} {word}{}{why}", unit.name, since(unit.inactive_enter))))
    };
    let container = |container: &Container| {
        let (mark, tone, word) = match container.state {
            ContainerState::Running => return None,
            ContainerState::Paused => ('◐', Tone::Warn, "paused"),
            ContainerState::Restarting => ('✗', Tone::Bad, "restarting"),
            ContainerState::Exited => ('✗', Tone::Bad, "exited"),
            _ => ('?', Tone::Warn, "not running"),
        };
        let why = if container.oom_killed { ", out of memory" } else { "" };
        Some((mark, tone, format!("{} {word}{}{why}", container.name, since(container.finished))))
    };
    let units = units.iter().filter_map(|name| shown.case.units.get(name)).filter_map(unit);
    let containers =
        containers.iter().filter_map(|id| shown.case.containers.get(id)).filter_map(container);
    let owners = units.chain(containers);
    owners.collect()
}

fn screen(shown: &Shown<'_>, kiosk: &Kiosk) -> Page {
    let mut page = Page::new(Board::Screen.title());
    page.text(Tone::Plain, "This screen only looks. Nothing in its process can change the host.");
    page.heading("What it was seen to be kept from");
    if kiosk.way.lock.is_empty() {
        page.text(Tone::Warn, "Nothing was tried: only the keys are locked.");
    }
    for fact in &kiosk.way.lock {
        let (mark, tone) = if fact.holds { ('✓', Tone::Good) } else { ('✗', Tone::Bad) };
        let text = format!("{}: {}", fact.what, fact.came);
        page.blocks.push(Block::Event(mark, tone, None, text, String::new()));
    }
    let blind = &shown.case.blind;
    if !blind.is_empty() {
        page.heading("What it cannot see");
    }
    for spot in blind.values().take(ROWS) {
        let text = format!("{}: {}", spot.source, spot.hides);
        page.blocks.push(Block::Event('○', Tone::Warn, None, text, String::new()));
    }
    page
}
