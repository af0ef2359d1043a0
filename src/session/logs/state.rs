//! What the view knows: its filters, the lines that pass them, where the person stands.

use std::collections::BTreeMap;

use crate::{
    evidence::lines::{Line, Lines, Pinned},
    observation::{Boot, Wall},
    session::{Effect, Event, Model, Place, layout},
};

use super::{Filter, Pattern, Rows};

/// Most filters at once.
pub const MOST_FILTERS: usize = 8;
/// Most bookmarks.
pub const MOST_BOOKMARKS: usize = 50;
/// Text that is looked at before keys are looked at again, in bytes; each line costs some more.
const BUDGET: usize = 256 << 10;
const LINE_COST: usize = 64;
/// New lines call for a frame this often, in microseconds: faster nobody reads.
const FRAME: u64 = 100_000;

/// Which line, and where it stands in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where it stands in time.
    pub order: Wall,
    /// Its number.
    pub seq: u64,
}

impl Key {
    /// Of a line.
    pub const fn of(line: &Line<'_>) -> Self {
        Self { order: line.order, seq: line.seq }
    }
}

/// The state of the view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// What hides lines.
    pub filters: Vec<Filter>,
    /// What is searched for.
    pub search: Option<Pattern>,
    /// Whether repeated lines are one row.
    pub folded: bool,
    /// The lines that are shown.
    pub rows: Rows,
    /// The selected line; none while the newest is followed.
    pub selected: Option<Key>,
    /// Rows above it that are visible.
    pub above: usize,
    /// Marked lines.
    pub bookmarks: BTreeMap<Key, Pinned>,
    /// What the last key came to, where that cannot be seen otherwise.
    pub said: String,
    /// Lines that have come since the view is paused and would be shown.
    pub waiting: u64,
    /// The lines as they were when the view was paused.
    pub(super) held: Option<Lines>,
    /// Lines up to this number have been looked at, of those that are on screen.
    seen: u64,
    /// And of those that come while the view is paused.
    counted: u64,
    /// Lines before this number are not shown any more.
    forgotten: u64,
    /// Rows before this line have not been looked at for what is searched for.
    sought: Option<Key>,
    /// Whether all lines are looked at anew for what is searched for, folded ones too.
    resought: bool,
    /// Whether to go to the nearest match once all have.
    pub(super) wanted: bool,
    /// Whether somebody looks.
    open: bool,
    /// Whether the engine has been asked to go on.
    pending: bool,
    drawn: Boot,
}

impl Logs {
    /// Whether the newest line is followed.
    pub const fn is_following(&self) -> bool {
        self.held.is_none()
    }

    /// The lines that the view shows, given those of the picture on screen.
    pub fn lines<'a>(&'a self, shown: &'a Lines) -> &'a Lines {
        self.held.as_ref().unwrap_or(shown)
    }

    /// A line that is on screen or marked.
    pub fn line<'a>(&'a self, shown: &'a Lines, key: Key) -> Option<Line<'a>> {
        let kept = || self.bookmarks.get(&key).and_then(Pinned::line);
        self.lines(shown).get(key.seq).or_else(kept)
    }

    /// Whether a line passes the filters.
    pub fn lets(&self, line: &Line<'_>) -> bool {
        self.filters.iter().all(|filter| filter.lets(line))
    }

    /// Index of the selected row; 0 when there is none.
    pub fn position(&self) -> usize {
        let last = self.rows.len().saturating_sub(1);
        self.selected.map_or(last, |key| self.rows.nearest(key))
    }

    /// The line that the cursor stands on. The selected one may be hidden by a filter since.
    pub fn here(&self) -> Option<Key> {
        self.rows.get(self.position()).map(|row| row.key)
    }

    /// Index of the first visible of so many rows.
    pub fn first(&self, height: usize) -> usize {
        let at = self.position();
        let top = if self.is_following() { at } else { at.saturating_sub(self.above) };
        layout::first_visible(top, at, height, self.rows.len())
    }

    /// How much of the lines has been looked at, in percent; `None` when all.
    pub fn progress(&self, shown: &Lines) -> Option<u64> {
        let lines = self.lines(shown);
        let done = self.seen.saturating_sub(lines.first());
        let all = lines.next().saturating_sub(lines.first());
        (self.seen < lines.next()).then(|| done * 100 / all.max(1))
    }

    /// Whether something hides lines or is searched for.
    pub fn has_chips(&self) -> bool {
        !self.filters.is_empty() || self.search.is_some()
    }

    /// Stands on a row; the screen moves only as far as it must.
    pub(super) fn select(&mut self, at: usize, height: usize) {
        let first = self.first(height);
        let at = at.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(at).map(|row| row.key);
        self.above = at - layout::first_visible(first, at, height, self.rows.len()).min(at);
    }

    /// Stands on a row that may be far away: then what came before it is shown as well.
    pub(super) fn go(&mut self, at: usize, height: usize) {
        let first = self.first(height);
        self.select(at, height);
        if at < first || at >= first + height {
            self.above = at.min(height / 3);
        }
    }

    /// Stands still: the lines stay as they are, and those that come wait.
    pub(super) fn pause(&mut self, shown: &Lines, height: usize) {
        if self.held.is_none() {
            let at = self.position();
            let first = self.first(height);
            self.selected = self.here();
            self.above = at.saturating_sub(first);
            self.held = Some(shown.clone());
            self.counted = shown.next();
            self.waiting = 0;
        }
    }

    /// Follows the newest line.
    pub(super) fn follow(&mut self) {
        self.held = None;
        self.selected = None;
        self.waiting = 0;
    }

    /// The lines are others than before: a recording stands earlier than it did.
    pub(in crate::session) fn go_along(&mut self) {
        self.follow();
        self.refilter();
    }

    /// Looks at every line anew: the filters have changed.
    pub(super) fn refilter(&mut self) {
        self.rows = Rows::new(self.folded);
        (self.seen, self.forgotten) = (0, 0);
        (self.sought, self.resought, self.wanted) = (None, false, false);
        for line in self.bookmarks.values().filter_map(Pinned::line) {
            let hit = self.search.as_ref().is_some_and(|pattern| pattern.is_in(&line));
            self.rows.add_alone(&line, hit);
        }
    }

    /// Looks for something else, from the newest row on; what is more than may be done at once is
    /// done between keys.
    pub(super) fn look_for(&mut self, shown: &Lines, pattern: Option<Pattern>) {
        const END: Key = Key { order: Wall(i64::MAX), seq: u64::MAX };
        if pattern == self.search {
            return;
        }
        if self.folded && pattern.is_some() {
            // Of a folded row only one line is known: what the others say is read again.
            self.search = pattern;
            self.refilter();
            self.resought = true;
            return;
        }
        self.rows.clear_hits();
        self.sought = pattern.is_some().then_some(END);
        (self.search, self.wanted) = (pattern, false);
        self.seek(shown, &mut { BUDGET });
    }

    /// Whether there are rows that have not been looked at for what is searched for.
    pub(super) const fn is_seeking(&self) -> bool {
        self.sought.is_some() || self.resought
    }

    fn seek(&mut self, shown: &Lines, left: &mut usize) -> bool {
        let began = self.sought;
        while let (Some(before), Some(pattern)) = (self.sought, &self.search) {
            if *left == 0 {
                break;
            }
            let next = self.rows.index(before).checked_sub(1);
            let next = next.and_then(|at| self.rows.get(at).map(|row| (at, row.key)));
            self.sought = next.map(|(_, key)| key);
            let Some((at, key)) = next else { break };
            let (hit, length) = self
                .line(shown, key)
                .map_or((false, 0), |line| (pattern.is_in(&line), line.raw.len()));
            *left = left.saturating_sub((length + LINE_COST) * pattern.effort());
            self.rows.set_hit(at, hit);
        }
        self.sought != began
    }

    /// What a line costs by the patterns that it is held against.
    fn effort(&self) -> usize {
        let filters = self.filters.iter().map(|filter| &filter.pattern);
        filters.chain(&self.search).map(Pattern::effort).sum::<usize>().max(1)
    }

    /// Marks a line, or takes the mark away. What cannot be done is said.
    pub(super) fn mark(&mut self, shown: &Lines, key: Key) {
        if self.bookmarks.remove(&key).is_some() {
            // The mark alone may have kept it on screen.
            let stays = self.lines(shown).get(key.seq).is_some_and(|line| self.lets(&line));
            if !stays {
                self.rows.remove(key);
            }
            return;
        }
        if self.bookmarks.len() >= MOST_BOOKMARKS {
            self.said = format!("{MOST_BOOKMARKS} bookmarks are the most");
            return;
        }
        let pinned = self.line(shown, key).map(|line| line.pin());
        if let Some(pinned) = pinned {
            self.bookmarks.insert(key, pinned);
        }
    }

    /// Takes in what is new, within a budget. True when the rows or the count have changed.
    pub(super) fn advance(&mut self, shown: &Lines, live: &Lines) -> bool {
        let mut left = BUDGET;
        let held = self.held.take();
        let lines = held.as_ref().unwrap_or(shown);
        let changed = self.seek(lines, &mut left) | self.take_in(lines, &mut left);
        self.held = held;
        changed | self.count_waiting(live, &mut left)
    }

    fn take_in(&mut self, lines: &Lines, left: &mut usize) -> bool {
        let (before, first) = (self.seen, lines.first());
        if self.seen > lines.next() {
            // Another picture is on screen than before.
            self.refilter();
        }
        if first > self.forgotten {
            self.forgotten = first;
            let bookmarks = &self.bookmarks;
            self.rows.forget(first, |key| bookmarks.contains_key(&key));
            self.seen = self.seen.max(first);
        }
        let effort = self.effort();
        for line in lines.since(self.seen) {
            if *left == 0 {
                break;
            }
            *left = left.saturating_sub((line.raw.len() + LINE_COST) * effort);
            self.seen = line.seq + 1;
            if self.lets(&line) {
                let hit = self.search.as_ref().is_some_and(|pattern| pattern.is_in(&line));
                self.rows.add(&line, hit);
            }
        }
        self.resought &= self.seen < lines.next();
        self.seen != before
    }

    fn count_waiting(&mut self, live: &Lines, left: &mut usize) -> bool {
        if self.held.is_none() {
            return false;
        }
        let (before, effort) = (self.waiting, self.effort());
        for line in live.since(self.counted) {
            if *left == 0 {
                break;
            }
            *left = left.saturating_sub((line.raw.len() + LINE_COST) * effort);
            self.counted = line.seq + 1;
            self.waiting += u64::from(self.lets(&line));
        }
        self.waiting != before
    }

    fn is_behind(&self, shown: &Lines, live: &Lines) -> bool {
        self.is_seeking()
            || self.seen < self.lines(shown).next()
            || self.held.is_some() && self.counted < live.next()
    }

    /// Nobody looks: what can be made again is given back.
    fn close(&mut self) {
        if self.open {
            self.rows = Rows::default();
            (self.open, self.pending) = (false, false);
        }
    }
}

/// Keeps the view up with the lines: after every event, while it is open.
pub(in crate::session) fn sync(model: &mut Model, event: &Event, effects: &mut Vec<Effect>) {
    if model.view.place != Place::Logs {
        model.view.logs.close();
        return;
    }
    let view = &mut model.view;
    let shown = view.held.as_ref().map_or(&model.case.lines, |held| held.lines());
    let (logs, live) = (&mut view.logs, &model.case.lines);
    match event {
        Event::Continue => logs.pending = false,
        _ if logs.pending => return,
        _ => {}
    }
    if !logs.open {
        logs.open = true;
        logs.refilter();
    }
    let changed = logs.advance(shown, live);
    if logs.is_behind(shown, live) {
        logs.pending = true;
        effects.push(Effect::Continue);
    }
    let found = !logs.is_seeking() && std::mem::take(&mut logs.wanted);
    let since = model.case.now.boot.0.saturating_sub(logs.drawn.0);
    if changed && (since >= FRAME || !matches!(event, Event::Seen(_))) {
        logs.drawn = model.case.now.boot;
        effects.push(Effect::Draw);
    }
    if found {
        super::input::nearest_match(model);
        effects.push(Effect::Draw);
    }
}
