//! Which kinds of evidence the player looks at.

use crate::session::{Layer, Model, Pane, Place, RowKey};

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// Who stands behind the gateway.
    Chain,
    /// What the logs say.
    Logs,
    /// What happened when.
    Timeline,
    /// Memory and its limits.
    Memory,
    /// Whether the services run.
    Services,
    /// A cause with all that speaks for and against it.
    Causes,
    /// The way of the wizard.
    Wizard,
}

impl Reading {
    /// In a word or two.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Chain => "the chain",
            Self::Logs => "the logs",
            Self::Timeline => "the timeline",
            Self::Memory => "memory",
            Self::Services => "the services",
            Self::Causes => "the cause",
            Self::Wizard => "the wizard",
        }
    }
}

/// What the person looks at now, beyond the overview.
pub(super) fn reading(model: &Model) -> Option<Reading> {
    let view = &model.view;
    for layer in view.layers.iter().rev() {
        match layer {
            Layer::Page { key, .. } => return of_row(key),
            Layer::Wizard { .. } => return Some(Reading::Wizard),
            Layer::Search { .. } | Layer::Logs { .. } => {}
            _ => return None,
        }
    }
    match view.place {
        Place::Chain => Some(Reading::Chain),
        Place::Logs => Some(Reading::Logs),
        Place::Timeline => Some(Reading::Timeline),
        Place::Memory => Some(Reading::Memory),
        Place::Units => Some(Reading::Services),
        Place::Causes if !model.diagnosis.findings.is_empty() => Some(Reading::Causes),
        // A pane that was given the whole screen is looked at.
        Place::Overview if view.zoom => of_pane(view.focus),
        Place::Overview | Place::Causes | Place::Recovery | Place::Audit => None,
    }
}

const fn of_pane(pane: Pane) -> Option<Reading> {
    match pane {
        Pane::Upstreams => Some(Reading::Chain),
        Pane::Errors => Some(Reading::Logs),
        Pane::Memory => Some(Reading::Memory),
        Pane::Units => Some(Reading::Services),
        Pane::Timeline => Some(Reading::Timeline),
        Pane::Cause => None,
    }
}

const fn of_row(key: &RowKey) -> Option<Reading> {
    match key {
        RowKey::Finding(..) | RowKey::Recovered(..) => Some(Reading::Causes),
        RowKey::Upstream(_) => Some(Reading::Chain),
        RowKey::Requests | RowKey::Fold(..) | RowKey::Line(_) => Some(Reading::Logs),
        RowKey::Memory
        | RowKey::Swap
        | RowKey::Pressure
        | RowKey::Kill(_)
        | RowKey::Segfault(_)
        | RowKey::Cgroup(_)
        | RowKey::Disk(_) => Some(Reading::Memory),
        RowKey::Unit(_) | RowKey::Container(_) | RowKey::Program(_) => Some(Reading::Services),
        RowKey::Mark(_) => Some(Reading::Timeline),
        RowKey::Outside(_) | RowKey::Sources => None,
    }
}
