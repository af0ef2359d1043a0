//! What keys do in the view.

use jiff::tz::TimeZone;

use crate::{
    evidence::lines::Line,
    observation::Wall,
    session::{
        Clip, Effect, Layer, Model, RowKey,
        figures::count,
        keymap::{Command, Log, Step},
        layout,
    },
};

use super::{Asked, Key, areas, rows::Row};

/// Does what a key asks for, where it means something in this view.
pub(in crate::session) fn act(model: &mut Model, command: Command) -> Option<Vec<Effect>> {
    model.view.logs.said.clear();
    model.view.logs.wanted = false;
    match command {
        Command::Move(step) => shift(model, step),
        Command::Open => open(model),
        Command::Search => ask(model, Asked::Search),
        Command::NextMatch => {
            let none = unmatched(model, "no later match");
            find(model, false, none, |row| row.hit);
        }
        Command::PreviousMatch => {
            let none = unmatched(model, "no earlier match");
            find(model, true, none, |row| row.hit);
        }
        Command::Pause => turn(model),
        Command::Back if model.view.logs.search.is_some() => look_for_nothing(model),
        Command::Log(what) => return Some(log(model, what)),
        _ => return None,
    }
    Some(vec![Effect::Draw])
}

/// What is said where there is no match.
const fn unmatched(model: &Model, none: &'static str) -> &'static str {
    if model.view.logs.is_seeking() { "not all lines have been searched yet" } else { none }
}

fn log(model: &mut Model, what: Log) -> Vec<Effect> {
    match what {
        Log::Follow => follow(model),
        Log::Fold => fold(model),
        Log::FilterIn => ask(model, Asked::In),
        Log::FilterOut => ask(model, Asked::Out),
        Log::DropFilter => drop_filter(model),
        Log::NextError => find(model, false, "no later error", |row| row.error),
        Log::PreviousError => find(model, true, "no earlier error", |row| row.error),
        Log::Time => ask(model, Asked::Time),
        Log::Mark => mark(model),
        Log::NextMark => next_mark(model, false),
        Log::PreviousMark => next_mark(model, true),
        Log::Copy => return copy(model),
    }
    vec![Effect::Draw]
}

/// Shows only lines that a pattern is found in.
pub(in crate::session) fn only(model: &mut Model, pattern: &str) {
    let Ok(pattern) = super::Pattern::new(pattern) else { return };
    let logs = &mut model.view.logs;
    logs.follow();
    logs.filters = vec![super::Filter { out: false, pattern }];
    logs.refilter();
}

/// A click on a line of the screen: it is selected; the selected one is opened. False where there
/// is no line.
pub(in crate::session) fn point(model: &mut Model, (column, row): (u16, u16)) -> bool {
    let body = layout::layout(&model.view, &model.shown()).body;
    let list = areas(body, model.view.logs.has_chips()).list;
    let inside = (list.x..list.x + list.width).contains(&column)
        && (list.y..list.y + list.height).contains(&row);
    let logs = &model.view.logs;
    let at = logs.first(usize::from(list.height)) + usize::from(row.saturating_sub(list.y));
    if !inside || at >= logs.rows.len() {
        return false;
    }
    if !logs.is_following() && logs.position() == at {
        open(model);
    } else {
        pause(model);
        model.view.logs.select(at, usize::from(list.height));
    }
    true
}

/// Rows of the list.
pub(super) fn height(model: &Model) -> usize {
    let layout = layout::layout(&model.view, &model.shown());
    usize::from(areas(layout.body, model.view.logs.has_chips()).list.height)
}

/// The view's state is changed by what needs the lines on screen beside it.
pub(super) fn with_lines<T>(
    model: &mut Model,
    change: impl FnOnce(&mut super::Logs, &crate::evidence::lines::Lines) -> T,
) -> T {
    let mut logs = std::mem::take(&mut model.view.logs);
    let done = change(&mut logs, &model.shown().case.lines);
    model.view.logs = logs;
    done
}

pub(super) fn pause(model: &mut Model) {
    let height = height(model);
    with_lines(model, |logs, shown| logs.pause(shown, height));
}

fn follow(model: &mut Model) {
    model.view.held = None;
    model.view.logs.follow();
}

fn fold(model: &mut Model) {
    let logs = &mut model.view.logs;
    logs.folded = !logs.folded;
    logs.refilter();
}

fn turn(model: &mut Model) {
    if model.view.held.is_some() || !model.view.logs.is_following() {
        follow(model);
    } else {
        pause(model);
    }
}

fn shift(model: &mut Model, step: Step) {
    let height = height(model);
    match step {
        Step::Bottom => return follow(model),
        Step::Down | Step::HalfDown | Step::PageDown if model.view.logs.is_following() => return,
        _ => pause(model),
    }
    let logs = &mut model.view.logs;
    let at = logs.position();
    // The last line is followed, not stood on.
    let to = if step == Step::Bottom { at } else { step.from(at, height, usize::MAX) };
    logs.select(to, height);
}

fn open(model: &mut Model) {
    pause(model);
    if let Some(key) = model.view.logs.here() {
        model.view.layers.push(Layer::Page { key: RowKey::Line(key), top: 0 });
    }
}

fn ask(model: &mut Model, what: Asked) {
    let typed = match (what, &model.view.logs.search) {
        (Asked::Search, Some(pattern)) => pattern.source().to_owned(),
        _ => String::new(),
    };
    let cursor = typed.chars().count();
    let before = typed.clone();
    model.view.layers.push(Layer::Logs { what, typed, cursor, before, flaw: String::new() });
}

fn look_for_nothing(model: &mut Model) {
    with_lines(model, |logs, shown| logs.look_for(shown, None));
}

/// Goes to the next row of a kind. It does not go around the end: that would be another time.
fn find(model: &mut Model, back: bool, none: &str, is_it: impl Fn(&Row) -> bool) {
    let logs = &model.view.logs;
    let at = logs.position();
    let found = if back {
        let earlier = logs.rows.before(at).rev().position(is_it);
        earlier.map(|n| at - 1 - n)
    } else {
        logs.rows.from(at + 1).position(is_it).map(|n| at + 1 + n)
    };
    go(model, found, none);
}

fn go(model: &mut Model, found: Option<usize>, none: &str) {
    let height = height(model);
    match found {
        Some(at) => {
            pause(model);
            model.view.logs.go(at, height);
        }
        None => none.clone_into(&mut model.view.logs.said),
    }
}

fn drop_filter(model: &mut Model) {
    let logs = &mut model.view.logs;
    if logs.filters.pop().is_some() {
        logs.refilter();
    } else {
        "no filter is set".clone_into(&mut logs.said);
    }
}

fn mark(model: &mut Model) {
    pause(model);
    let Some(key) = model.view.logs.here() else { return };
    with_lines(model, |logs, shown| logs.mark(shown, key));
}

fn next_mark(model: &mut Model, back: bool) {
    let logs = &model.view.logs;
    if logs.bookmarks.is_empty() {
        "no bookmark is set: b sets one".clone_into(&mut model.view.logs.said);
        return;
    }
    let here = logs.here().unwrap_or_default();
    let next = if back {
        logs.bookmarks.range(..here).next_back()
    } else {
        logs.bookmarks.range(here..).find(|(key, _)| **key > here)
    };
    let found = next.map(|(key, _)| logs.rows.nearest(*key));
    go(model, found, if back { "no earlier bookmark" } else { "no later bookmark" });
}

/// Goes to a time. What has no line at that time is said.
pub(super) fn go_to_time(model: &mut Model, at: Wall) {
    let rows = &model.view.logs.rows;
    let (first, last) =
        (rows.get(0).map(|row| row.key.order), rows.last().map(|row| row.key.order));
    let found = rows.nearest(Key { order: at, seq: 0 });
    let any = !rows.is_empty();
    go(model, any.then_some(found), "no line is shown");
    let said = match (first, last) {
        (Some(first), _) if at < first => "no line that old is kept: this is the oldest",
        (_, Some(last)) if at > last => "no line is that new: this is the newest",
        _ => return,
    };
    said.clone_into(&mut model.view.logs.said);
}

/// One line as it is copied: its time in UTC, so that it means the same wherever it is pasted.
fn copied(line: &Line<'_>) -> String {
    let parts = [line.at.rfc3339(), line.source.name.clone(), line.level.as_str().to_owned()];
    let head: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let upstream = match line.kind {
        crate::evidence::lines::Kind::Request if !line.upstream.is_empty() => {
            format!(", upstream: {}", line.upstream)
        }
        _ => String::new(),
    };
    format!("{} {}{upstream}", head.join(" "), line.raw)
}

/// Copies the bookmarked lines, or the selected one where there are none.
fn copy(model: &mut Model) -> Vec<Effect> {
    let needs = model.clipboard_needs;
    let clip = with_lines(model, |logs, shown| {
        let marked: Vec<Key> = logs.bookmarks.keys().copied().collect();
        let here = logs.here();
        let keys = if marked.is_empty() { here.into_iter().collect() } else { marked.clone() };
        let lines = keys.iter().filter_map(|key| logs.line(shown, *key));
        let clip = Clip::new(lines.map(|line| copied(&line)));
        let what = match (marked.is_empty(), clip.lines()) {
            (_, 0) => "nothing to copy".to_owned(),
            (true, _) => "copied the selected line".to_owned(),
            (false, 1) => "copied the bookmarked line".to_owned(),
            (false, n) => format!("copied {} bookmarked lines", count(n as u64)),
        };
        let cut = if clip.is_cut() { ", cut: a terminal takes no more" } else { "" };
        let gap = if needs.is_empty() { "" } else { "; " };
        logs.said = format!("{what}{cut}{gap}{needs}");
        clip
    });
    if clip.lines() == 0 {
        return vec![Effect::Draw];
    }
    vec![Effect::Copy(clip), Effect::Draw]
}

impl Model {
    /// The zone in which a person types times.
    pub(super) fn typed_zone(&self) -> TimeZone {
        let shown = self.zone.clone().filter(|_| !self.view.utc);
        shown.unwrap_or(TimeZone::UTC)
    }
}
