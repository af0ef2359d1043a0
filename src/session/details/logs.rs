//! One log line: whole, where it was read, what it means, and what others wrote at that time.

use std::cmp::Reverse;

use crate::{
    evidence::lines::{Kind, Line},
    observation::Clean,
    session::{
        Model,
        figures::count,
        logs::Key,
        page::{Block, Page, Tone},
    },
};

/// Others' lines are shown that are so near, in microseconds, and so many on each side.
const NEAR: i64 = 30_000_000;
const AROUND: usize = 8;
/// Characters of each of them.
const OTHERS: usize = 160;

pub(super) fn page(model: &Model, key: Key) -> Option<Page> {
    let (shown, logs) = (model.shown(), &model.view.logs);
    let line = logs.line(&shown.case.lines, key)?;
    let mut page = Page::new(format!("{} line", Clean::new(&line.source.name)));
    page.entry("written", line.at.rfc3339());
    if line.order != line.at {
        page.toned("read", Tone::Warn, format!("{}: its stamp is in the future", line.order));
    }
    page.entry("read in", line.source.origin.to_string());
    if line.status > 0 {
        page.toned("status", tone(&line), line.status.to_string());
    } else if !line.level.as_str().is_empty() {
        page.toned("level", tone(&line), line.level.as_str());
    }
    if !line.upstream.is_empty() {
        page.entry("upstream", line.upstream);
    }
    let times = logs.rows.get(logs.rows.index(key)).filter(|row| row.key == key);
    if let Some(n) = times.map(|row| row.times).filter(|n| *n > 1) {
        page.entry(
            "repeated",
            format!("{} times within ten seconds; this is the first", count(n.into())),
        );
    }
    if logs.bookmarks.contains_key(&key) {
        page.entry("bookmark", "set; kept also when its log moves on");
    }
    page.heading("The line, whole");
    page.blocks.push(Block::Quote(Tone::Plain, line.raw.to_owned()));
    if let Some(id) = line.signature
        && let Some(info) = id.info()
    {
        page.section("It means", info.meaning.clone());
        page.entry("known as", id.as_str());
        page.section("Usually", info.usually.clone());
        page.section("Look at", info.look.clone());
    }
    around(&mut page, model, &line);
    Some(page)
}

/// What other logs say of that time.
fn around(page: &mut Page, model: &Model, line: &Line<'_>) {
    let shown = model.shown();
    let lines = model.view.logs.lines(&shown.case.lines);
    let here = Key::of(line);
    let other = |other: &Line<'_>| other.source != line.source && other.kind != Kind::Gap;
    let mut before = Vec::new();
    let mut after = Vec::new();
    for near in lines.since(0) {
        let far = near.order.0.saturating_sub(line.order.0);
        if far.abs() <= NEAR && other(&near) {
            if Key::of(&near) < here { before.push(near) } else { after.push(near) }
        }
    }
    before.sort_by_key(|near| Reverse(Key::of(near)));
    after.sort_by_key(Key::of);
    before.truncate(AROUND);
    after.truncate(AROUND);
    page.heading("Other logs within half a minute");
    if before.is_empty() && after.is_empty() {
        page.text(Tone::Muted, "none of them wrote anything");
        return;
    }
    let told = |near: &Line<'_>| {
        let said = near.headline();
        let cut = said.char_indices().nth(OTHERS).map(|(at, _)| at);
        let end = if cut.is_some() { "…" } else { "" };
        let said = said.get(..cut.unwrap_or(said.len())).unwrap_or_default();
        let text = format!("{}  {said}{end}", Clean::new(&near.source.name));
        Block::Log(Some(near.at), tone(near), text)
    };
    page.blocks.extend(before.iter().rev().map(told));
    page.text(Tone::Muted, "— this line —");
    page.blocks.extend(after.iter().map(told));
}

fn tone(line: &Line<'_>) -> Tone {
    use crate::evidence::lines::Level;
    match line.level {
        Level::Error | Level::Crit => Tone::Bad,
        Level::Warn => Tone::Warn,
        _ => Tone::Plain,
    }
}
