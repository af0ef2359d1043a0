//! Where the person looks: size of the screen, focus, selection, search, layers.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    diagnosis::Diagnosis,
    evidence::CaseFile,
    observation::{Clean, SourceId},
};

use super::{
    Effect, Event, Key, KeyCode, Model, RowKey, details,
    keymap::{self, Command, Edit, Scope, Step},
    layout::{self, Layout},
    page, rows,
};

/// Longest search, in characters.
const QUERY: usize = 120;

/// One pane of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// The causes.
    #[default]
    Cause,
    /// The upstreams and what stands behind them.
    Upstreams,
    /// Errors in the logs.
    Errors,
    /// Memory and memory kills.
    Memory,
    /// Units and containers.
    Units,
}

impl Pane {
    /// Every pane in the order of the screen.
    pub const ALL: [Self; 5] =
        [Self::Cause, Self::Upstreams, Self::Errors, Self::Memory, Self::Units];

    /// Its key.
    pub const fn digit(self) -> char {
        match self {
            Self::Upstreams => '1',
            Self::Errors => '2',
            Self::Memory => '3',
            Self::Units => '4',
            Self::Cause => '5',
        }
    }

    /// Its name on screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cause => "Cause",
            Self::Upstreams => "Upstreams",
            Self::Errors => "Errors",
            Self::Memory => "Memory & OOM",
            Self::Units => "Units & containers",
        }
    }

    fn next(self, back: bool) -> Self {
        let at = Self::ALL.iter().position(|p| *p == self).unwrap_or(0);
        let step = if back { Self::ALL.len() - 1 } else { 1 };
        Self::ALL.get((at + step) % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// Selection and scroll position of one pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaneView {
    /// The selected row by what it is, so that new rows do not move the cursor to another thing.
    /// `None` until somebody moved: then the first row is selected, whatever it is.
    pub selected: Option<RowKey>,
    /// Where it stood last, for when it is gone.
    pub index: usize,
    /// The first visible row.
    pub top: usize,
}

impl PaneView {
    /// Index of the selected row among `rows`; 0 when there are none.
    pub fn position(&self, rows: &[RowKey]) -> usize {
        let found = self.selected.as_ref().and_then(|key| rows.iter().position(|r| r == key));
        let fallback = if self.selected.is_some() { self.index } else { 0 };
        found.unwrap_or(fallback).min(rows.len().saturating_sub(1))
    }
}

/// Something that lies over the panes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Details of a row.
    Page {
        /// Which row.
        key: RowKey,
        /// The first visible line.
        top: usize,
    },
    /// The keys that work below.
    Help {
        /// The first visible line.
        top: usize,
    },
    /// The input line of the search.
    Search {
        /// Characters before the cursor.
        cursor: usize,
        /// What was searched before.
        before: String,
    },
}

/// A picture that is held still.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    case: CaseFile,
    diagnosis: Diagnosis,
}

/// What the person sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether that pane fills the screen.
    pub zoom: bool,
    /// Selections.
    pub panes: BTreeMap<Pane, PaneView>,
    /// Layers, the top one last.
    pub layers: Vec<Layer>,
    /// What is searched for in the focused pane or the open page; empty for nothing.
    pub query: String,
    /// The picture that is held still.
    pub held: Option<Box<Held>>,
    beside: Option<Pane>,
}

impl View {
    /// Where the keys go.
    pub fn scope(&self) -> Scope {
        self.layers.last().map_or(Scope::Panes, scope_of)
    }

    /// Where the keys would go without the help and the search.
    pub fn scope_below(&self) -> Scope {
        let below = self.layers.iter().rev().map(scope_of);
        below.into_iter().find(|s| *s == Scope::Page).unwrap_or(Scope::Panes)
    }

    /// Selection of a pane.
    pub fn pane(&self, pane: Pane) -> PaneView {
        self.panes.get(&pane).cloned().unwrap_or_default()
    }

    /// What is searched for in a pane.
    pub fn query_in(&self, pane: Pane) -> &str {
        if pane == self.focus { &self.query } else { "" }
    }

    /// The pane that is open beside cause and upstreams where not all fit.
    pub fn second(&self) -> Pane {
        match self.focus {
            Pane::Cause | Pane::Upstreams => self.beside.unwrap_or(Pane::Errors),
            other => other,
        }
    }

    fn look_at(&mut self, pane: Pane) {
        if pane != self.focus {
            self.beside = Some(self.second());
            self.focus = pane;
            self.query.clear();
        }
    }
}

const fn scope_of(layer: &Layer) -> Scope {
    match layer {
        Layer::Page { .. } => Scope::Page,
        Layer::Help { .. } => Scope::Help,
        Layer::Search { .. } => Scope::Search,
    }
}

/// The evidence and the diagnosis that are on screen: the live ones, or those held still.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The evidence.
    pub case: &'a CaseFile,
    /// What it amounts to.
    pub diagnosis: &'a Diagnosis,
    /// Sources that run; empty when that is not known.
    pub sources: &'a [SourceId],
}

impl Shown<'_> {
    /// Sources that have not yet looked at what the first discovery asked for. Once a source has
    /// answered it is not waited for again, so that the screen does not flicker.
    pub fn waiting(&self) -> Vec<SourceId> {
        let first = self.case.swept.values().copied().max().unwrap_or(0).min(1);
        let heard: Vec<SourceId> = self.case.heard.keys().copied().collect();
        let all = if self.sources.is_empty() { &heard } else { self.sources };
        let missing = |id: &&SourceId| self.case.swept.get(id).is_none_or(|g| *g < first);
        all.iter().filter(missing).copied().collect()
    }

    /// Whether nothing can be said yet because sources have not answered.
    pub fn is_looking(&self) -> bool {
        self.case.heard.is_empty() || !self.waiting().is_empty()
    }
}

impl Model {
    /// What is on screen.
    pub fn shown(&self) -> Shown<'_> {
        let (case, diagnosis) = match &self.view.held {
            Some(held) => (&held.case, &held.diagnosis),
            None => (&self.case, &self.diagnosis),
        };
        Shown { case, diagnosis, sources: &self.sources }
    }

    /// Log lines that came in since the picture is held still.
    pub fn lines_waiting(&self) -> u64 {
        let held = self.view.held.as_ref().map(|held| held.case.logs.lines);
        held.map_or(0, |then| self.case.logs.lines.saturating_sub(then))
    }
}

/// Takes a key, a paste or a new size.
pub(super) fn update(model: &mut Model, event: &Event) -> Vec<Effect> {
    match event {
        Event::Resize(columns, rows) => {
            model.view.size = (*columns, *rows);
            vec![Effect::Draw]
        }
        Event::Paste(text) if model.view.scope() == Scope::Search => {
            for c in text.chars() {
                insert(&mut model.view, c);
            }
            vec![Effect::Draw]
        }
        Event::Key(key) => press(model, *key),
        _ => Vec::new(),
    }
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let scope = model.view.scope();
    match (keymap::command(scope, key), key.code) {
        (Some(command), _) => act(model, command),
        (None, KeyCode::Char(c)) if scope == Scope::Search && !key.control => {
            insert(&mut model.view, c);
            vec![Effect::Draw]
        }
        _ => Vec::new(),
    }
}

fn act(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => return vec![Effect::Quit],
        Command::Back => back(&mut model.view),
        Command::Help => model.view.layers.push(Layer::Help { top: 0 }),
        Command::Focus(pane) => model.view.look_at(pane),
        Command::NextPane => model.view.look_at(model.view.focus.next(false)),
        Command::PreviousPane => model.view.look_at(model.view.focus.next(true)),
        Command::Move(step) => shift(model, step),
        Command::Open => open(model),
        Command::Sources => {
            model.view.layers.push(Layer::Page { key: RowKey::Sources, top: 0 });
        }
        Command::Search => {
            let before = model.view.query.clone();
            let cursor = before.chars().count();
            model.view.layers.push(Layer::Search { cursor, before });
        }
        Command::NextMatch => next_match(model, false),
        Command::PreviousMatch => next_match(model, true),
        Command::Zoom => model.view.zoom = !model.view.zoom,
        Command::Pause => hold(model),
        Command::Edit(change) => edit(&mut model.view, change),
    }
    vec![Effect::Draw]
}

fn back(view: &mut View) {
    if view.layers.pop().is_none() {
        if view.query.is_empty() {
            view.zoom = false;
        } else {
            view.query.clear();
        }
    }
}

fn hold(model: &mut Model) {
    model.view.held = match model.view.held.take() {
        Some(_) => None,
        None => {
            Some(Box::new(Held { case: model.case.clone(), diagnosis: model.diagnosis.clone() }))
        }
    };
}

fn open(model: &mut Model) {
    let pane = model.view.focus;
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    if let Some(key) = keys.into_iter().nth(at) {
        model.view.layers.push(Layer::Page { key, top: 0 });
    }
}

fn stepped(at: usize, step: Step, height: usize, last: usize) -> usize {
    let page = height.max(1);
    let half = (page / 2).max(1);
    match step {
        Step::Down => at.saturating_add(1),
        Step::Up => at.saturating_sub(1),
        Step::HalfDown => at.saturating_add(half),
        Step::HalfUp => at.saturating_sub(half),
        Step::PageDown => at.saturating_add(page),
        Step::PageUp => at.saturating_sub(page),
        Step::Top => 0,
        Step::Bottom => last,
    }
    .min(last)
}

/// Lines of the top layer, and how many of them are visible.
fn layer_lines(model: &Model, layout: &Layout) -> Vec<String> {
    let width = page::text_width(layout.body);
    let text = match model.view.layers.last() {
        Some(Layer::Page { key, .. }) => details::page(&model.shown(), key),
        Some(Layer::Help { .. }) => details::help(&model.view),
        _ => return Vec::new(),
    };
    let now = model.shown().case.now.wall;
    page::wrap(&text, width, &TimeZone::UTC, now).iter().map(page::Line::text).collect()
}

fn shift(model: &mut Model, step: Step) {
    let layout = layout::layout(&model.view, &model.shown());
    if let Some(Layer::Page { top, .. } | Layer::Help { top }) = model.view.layers.last() {
        let top = *top;
        let height = usize::from(page::text_height(layout.body));
        let last = layer_lines(model, &layout).len().saturating_sub(height);
        scroll_to(&mut model.view, stepped(top, step, height, last));
        return;
    }
    let pane = model.view.focus;
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    let height = height_of(model, &layout, pane);
    select(model, pane, &keys, stepped(at, step, height, keys.len().saturating_sub(1)), height);
}

fn height_of(model: &Model, layout: &Layout, pane: Pane) -> usize {
    let area = layout.panes.iter().find(|(p, _)| *p == pane).map(|(_, area)| *area);
    area.map_or(1, |area| usize::from(layout::list_area(&model.shown(), pane, area).0.height))
}

fn select(model: &mut Model, pane: Pane, keys: &[RowKey], index: usize, height: usize) {
    let view = model.view.panes.entry(pane).or_default();
    view.selected = keys.get(index).cloned();
    view.index = index;
    view.top = layout::first_visible(view.top, index, height, keys.len());
}

fn scroll_to(view: &mut View, line: usize) {
    if let Some(Layer::Page { top, .. } | Layer::Help { top }) = view.layers.last_mut() {
        *top = line;
    }
}

fn next_match(model: &mut Model, backwards: bool) {
    if model.view.query.is_empty() {
        return;
    }
    let layout = layout::layout(&model.view, &model.shown());
    if let Some(Layer::Page { top, .. }) = model.view.layers.last() {
        let top = *top;
        let lines = layer_lines(model, &layout);
        let height = usize::from(page::text_height(layout.body));
        let query = model.view.query.to_lowercase();
        let hits: Vec<usize> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.to_lowercase().contains(&query))
            .map(|(at, _)| at)
            .collect();
        let next = if backwards {
            hits.iter().rev().find(|at| **at < top).or(hits.last())
        } else {
            hits.iter().find(|at| **at > top).or(hits.first())
        };
        if let Some(at) = next {
            scroll_to(&mut model.view, (*at).min(lines.len().saturating_sub(height)));
        }
        return;
    }
    // Only matching rows are listed: the next match is the next row, around the end.
    let pane = model.view.focus;
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    if keys.is_empty() {
        return;
    }
    let at = model.view.pane(pane).position(&keys);
    let step = if backwards { keys.len() - 1 } else { 1 };
    let height = height_of(model, &layout, pane);
    select(model, pane, &keys, (at + step) % keys.len(), height);
}

/// Only what a screen can show as it is may be typed.
fn insert(view: &mut View, c: char) {
    let safe = Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([c]);
    let full = view.query.chars().count() >= QUERY;
    if let Some(Layer::Search { cursor, .. }) = view.layers.last_mut()
        && safe
        && !full
    {
        let at = byte_of(&view.query, *cursor);
        view.query.insert(at, c);
        *cursor += 1;
    }
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

fn edit(view: &mut View, change: Edit) {
    let length = view.query.chars().count();
    let Some(Layer::Search { cursor, before }) = view.layers.last_mut() else { return };
    match change {
        Edit::Left => *cursor = cursor.saturating_sub(1),
        Edit::Right => *cursor = (*cursor + 1).min(length),
        Edit::Home => *cursor = 0,
        Edit::End => *cursor = length,
        Edit::Erase if *cursor > 0 => {
            *cursor -= 1;
            let at = byte_of(&view.query, *cursor);
            view.query.remove(at);
        }
        Edit::Erase => {}
        Edit::EraseAll => {
            let at = byte_of(&view.query, *cursor);
            view.query.drain(..at);
            *cursor = 0;
        }
        Edit::Accept => drop(view.layers.pop()),
        Edit::Cancel => {
            view.query = std::mem::take(before);
            view.layers.pop();
            if view.layers.is_empty() {
                view.query.clear();
            }
        }
    }
}
