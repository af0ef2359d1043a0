//! Where the person looks: size of the screen, focus, selection, search, layers.

use std::collections::BTreeMap;

use super::{
    Palette, Place, RowKey,
    keymap::Scope,
    logs::{Asked, Logs},
    practice::Sheet,
    recovery::EntryKey,
    shown::Held,
    timeline::Zoom,
};

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
    /// What happened, in the order of time; in its own view only.
    Timeline,
}

impl Pane {
    /// Every pane of the overview in the order of the screen.
    pub const ALL: [Self; 5] =
        [Self::Cause, Self::Upstreams, Self::Errors, Self::Memory, Self::Units];

    /// The view that shows more of it.
    pub const fn place(self) -> Place {
        match self {
            Self::Upstreams => Place::Chain,
            Self::Cause => Place::Causes,
            Self::Errors => Place::Logs,
            Self::Memory => Place::Memory,
            Self::Units => Place::Units,
            Self::Timeline => Place::Timeline,
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
            Self::Timeline => "Timeline",
        }
    }

    /// The next pane, or the one before, around the end.
    pub(super) fn next(self, back: bool) -> Self {
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
    /// An input line of the logs.
    Logs {
        /// What is asked for.
        what: Asked,
        /// What has been typed.
        typed: String,
        /// Characters before the cursor.
        cursor: usize,
        /// What was searched before.
        before: String,
        /// What is wrong with it so far; empty for nothing.
        flaw: String,
    },
    /// The question whether a repair shall be done, and what led to it.
    Confirm,
    /// A repair that is carried out, or is over.
    Run,
    /// Everything that can be done.
    Actions {
        /// The selected row by what it is.
        selected: Option<EntryKey>,
        /// Where it stood last.
        index: usize,
        /// The first visible row.
        top: usize,
    },
    /// Why nothing is done about a finding.
    Refusal {
        /// Cause.
        cause: &'static str,
        /// Whom it concerns.
        whom: String,
        /// The first visible line.
        top: usize,
    },
    /// Who did what.
    Audit {
        /// The first visible line.
        top: usize,
    },
    /// The wizard.
    Wizard {
        /// The first visible line of the step's text.
        top: usize,
    },
    /// The input line for the reason of a skip.
    Reason {
        /// What has been typed.
        typed: String,
        /// Characters before the cursor.
        cursor: usize,
    },
    /// A text for somebody senior.
    Senior {
        /// The first visible line.
        top: usize,
    },
    /// The editor.
    Editor,
    /// The question whether what was edited is thrown away.
    Leave,
    /// The list of everything that can be done or gone to.
    Palette(Palette),
    /// A sheet of the game.
    Practice {
        /// Which one.
        sheet: Sheet,
        /// The first visible line.
        top: usize,
    },
}

/// What the person sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// The view that fills the screen, below its layers.
    pub place: Place,
    /// The pane of the overview that keys go to.
    pub focus: Pane,
    /// Whether that pane fills the screen.
    pub zoom: bool,
    /// Selections.
    pub panes: BTreeMap<Pane, PaneView>,
    /// Layers, the top one last.
    pub layers: Vec<Layer>,
    /// What is searched for in the focused pane or the open page; empty for nothing.
    pub query: String,
    /// How much of the past the timeline shows.
    pub axis: Zoom,
    /// Whether the terminal keeps the mouse to itself, so that text can be selected with it.
    pub mouse_off: bool,
    /// Whether times are shown in UTC.
    pub utc: bool,
    /// Name of the theme; empty for the first.
    pub theme: String,
    /// The view of the logs.
    pub logs: Logs,
    /// The picture that is held still.
    pub held: Option<Box<Held>>,
    beside: Option<Pane>,
}

impl View {
    /// Where the keys go.
    pub fn scope(&self) -> Scope {
        self.layers.last().map_or(scope_at(self.place), scope_of)
    }

    /// Where the keys would go without the help and the search.
    pub fn scope_below(&self) -> Scope {
        let below = self.layers.iter().rev().map(scope_of);
        below
            .into_iter()
            .find(|s| !matches!(s, Scope::Help | Scope::Search | Scope::LogInput))
            .unwrap_or(scope_at(self.place))
    }

    /// The view that the person is in: a layer that is a view of its own covers the one below.
    pub fn here(&self) -> Place {
        let covers = |layer: &Layer| match layer {
            Layer::Wizard { .. } => Some(Place::Recovery),
            Layer::Audit { .. } => Some(Place::Audit),
            _ => None,
        };
        self.layers.iter().rev().find_map(covers).unwrap_or(self.place)
    }

    /// The rows that keys move through below all layers; none where the view has rows of its own.
    pub const fn rows(&self) -> Option<Pane> {
        match self.place {
            Place::Overview => Some(self.focus),
            other => other.pane(),
        }
    }

    /// Selection of a pane.
    pub fn pane(&self, pane: Pane) -> PaneView {
        self.panes.get(&pane).cloned().unwrap_or_default()
    }

    /// What is searched for in a pane.
    pub fn query_in(&self, pane: Pane) -> &str {
        if self.rows() == Some(pane) { &self.query } else { "" }
    }

    /// The pane that is open beside cause and upstreams where not all fit.
    pub fn second(&self) -> Pane {
        match self.focus {
            Pane::Cause | Pane::Upstreams | Pane::Timeline => self.beside.unwrap_or(Pane::Errors),
            other => other,
        }
    }

    /// Turns to a view; a search stays behind.
    pub(super) fn turn_to(&mut self, place: Place) {
        if place != self.place {
            self.place = place;
            self.query.clear();
        }
    }

    /// Turns to a pane; a search stays behind.
    pub(super) fn look_at(&mut self, pane: Pane) {
        if pane != self.focus {
            self.beside = Some(self.second());
            self.focus = pane;
            self.query.clear();
        }
    }
}

const fn scope_at(place: Place) -> Scope {
    match place {
        Place::Overview | Place::Recovery | Place::Audit => Scope::Panes,
        Place::Chain => Scope::Chain,
        Place::Causes => Scope::Causes,
        Place::Logs => Scope::Logs,
        Place::Timeline => Scope::Timeline,
        Place::Memory => Scope::Memory,
        Place::Units => Scope::Units,
    }
}

const fn scope_of(layer: &Layer) -> Scope {
    match layer {
        Layer::Page { .. } => Scope::Page,
        Layer::Help { .. } => Scope::Help,
        Layer::Search { .. } => Scope::Search,
        Layer::Logs { .. } => Scope::LogInput,
        Layer::Confirm => Scope::Confirm,
        Layer::Run => Scope::Run,
        Layer::Actions { .. } => Scope::Actions,
        Layer::Refusal { .. } => Scope::Refusal,
        Layer::Audit { .. } => Scope::Audit,
        Layer::Wizard { .. } => Scope::Wizard,
        Layer::Reason { .. } => Scope::Reason,
        Layer::Senior { .. } => Scope::Senior,
        Layer::Editor => Scope::Editor,
        Layer::Leave => Scope::Leave,
        Layer::Palette(_) => Scope::Palette,
        Layer::Practice { sheet: Sheet::Story, .. } => Scope::Story,
        Layer::Practice { sheet: Sheet::Panel, .. } => Scope::Panel,
        Layer::Practice { sheet: Sheet::Score, .. } => Scope::Score,
    }
}
