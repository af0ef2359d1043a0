//! The input line of the view: what to search for, what to filter, which time.

use crate::{
    observation::Wall,
    session::{Effect, Layer, Model, replay::Ask},
};

use super::{
    Filter, Logs, MOST_FILTERS, Pattern,
    commands::{go_to_time, height, with_lines},
    moment,
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A pattern to search for.
    Search,
    /// A pattern that lines must have.
    In,
    /// A pattern that lines must not have.
    Out,
    /// A time.
    Time,
    /// A time of the recording.
    Moment,
}

impl Asked {
    /// What stands before the input.
    pub const fn prompt(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::In => "+",
            Self::Out => "-",
            Self::Time | Self::Moment => "time",
        }
    }

    /// What may be typed.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Search => "regular expression to look for",
            Self::In => "show only lines with this regular expression",
            Self::Out => "hide lines with this regular expression",
            Self::Time | Self::Moment => "14:02, 14:02:30, -10m, 10 min ago, 2026-11-20 14:02",
        }
    }
}

/// Says what is wrong with what was typed so far; a search goes along with it.
pub(in crate::session) fn retyped(model: &mut Model) {
    let Some(Layer::Logs { what, typed, .. }) = model.view.layers.last() else { return };
    let (what, typed) = (*what, typed.clone());
    let told = match what {
        Asked::Time => {
            let now = model.shown().case.now.wall;
            moment(&typed, now, &model.typed_zone()).map(drop)
        }
        Asked::Moment => of_recording(model, &typed).map(drop),
        _ => Pattern::new(&typed).map(|pattern| {
            if what == Asked::Search {
                search(model, Some(pattern).filter(|_| !typed.is_empty()));
            }
        }),
    };
    if let Some(Layer::Logs { flaw, .. }) = model.view.layers.last_mut() {
        *flaw = told.err().filter(|_| !typed.is_empty()).unwrap_or_default();
    }
}

fn search(model: &mut Model, pattern: Option<Pattern>) {
    with_lines(model, |logs, shown| logs.look_for(shown, pattern));
}

/// Takes what was typed; what is wrong stays open.
pub(in crate::session) fn accept(model: &mut Model) -> Vec<Effect> {
    retyped(model);
    let Some(Layer::Logs { what, typed, flaw, .. }) = model.view.layers.last() else {
        return Vec::new();
    };
    let (what, typed) = (*what, typed.clone());
    if !flaw.is_empty() {
        return vec![Effect::Draw];
    }
    model.view.layers.pop();
    if typed.is_empty() {
        return vec![Effect::Draw];
    }
    match what {
        Asked::Search => nearest_match(model),
        Asked::In | Asked::Out => filter(model, what == Asked::Out, &typed),
        Asked::Time => {
            let now = model.shown().case.now.wall;
            if let Ok(at) = moment(&typed, now, &model.typed_zone()) {
                go_to_time(model, at);
            }
        }
        Asked::Moment => {
            if let Ok(at) = of_recording(model, &typed) {
                return vec![Effect::Replay(Ask::To(at)), Effect::Draw];
            }
        }
    }
    vec![Effect::Draw]
}

/// Opens the input line for a time of the recording.
pub(in crate::session) fn ask_moment(model: &mut Model) {
    model.view.layers.push(Layer::Logs {
        what: Asked::Moment,
        typed: String::new(),
        cursor: 0,
        before: String::new(),
        flaw: String::new(),
    });
}

/// The time that was typed: how long before the moment on screen, or the newest such time of day
/// that the recording holds.
fn of_recording(model: &Model, typed: &str) -> Result<Wall, String> {
    let Some(axis) = &model.replay else { return Err(String::new()) };
    let now = model.case.now.wall;
    let span = typed.trim().to_ascii_lowercase();
    let back = span.starts_with('-') || span.ends_with("ago");
    let left = i64::try_from(axis.end.saturating_sub(axis.at)).unwrap_or(i64::MAX);
    let end = Wall(now.0.saturating_add(left));
    moment(typed, if back { now } else { end }, &model.typed_zone())
}

/// Forgets what was typed; the search is what it was before.
pub(in crate::session) fn cancel(model: &mut Model) {
    if let Some(Layer::Logs { what: Asked::Search, before, .. }) = model.view.layers.pop() {
        let before = Pattern::new(&before).ok().filter(|_| !before.is_empty());
        search(model, before);
    }
}

/// Backspace in an empty input takes back the newest filter of its kind, to be typed anew. True
/// when it did.
pub(in crate::session) fn erase_filter(model: &mut Model) -> bool {
    let Some(Layer::Logs { what, typed, cursor, .. }) = model.view.layers.last_mut() else {
        return false;
    };
    if !typed.is_empty() || !matches!(what, Asked::In | Asked::Out) {
        return false;
    }
    let out = *what == Asked::Out;
    let logs = &mut model.view.logs;
    let Some(at) = logs.filters.iter().rposition(|filter| filter.out == out) else { return false };
    let filter = logs.filters.remove(at);
    filter.pattern.source().clone_into(typed);
    *cursor = typed.chars().count();
    logs.refilter();
    true
}

fn filter(model: &mut Model, out: bool, typed: &str) {
    let logs: &mut Logs = &mut model.view.logs;
    let Ok(pattern) = Pattern::new(typed) else { return };
    let filter = Filter { out, pattern };
    if logs.filters.contains(&filter) {
        "this filter is set already".clone_into(&mut logs.said);
    } else if logs.filters.len() >= MOST_FILTERS {
        logs.said = format!("{MOST_FILTERS} filters are the most: x removes one");
    } else {
        logs.filters.push(filter);
        logs.refilter();
    }
}

/// Goes to the newest match, unless the selected line is one. While lines are still looked at, that
/// is done once they have been.
pub(super) fn nearest_match(model: &mut Model) {
    if model.view.logs.is_seeking() {
        model.view.logs.wanted = true;
        return;
    }
    let logs = &model.view.logs;
    let at = logs.position();
    let here = logs.rows.get(at).is_some_and(|row| row.hit);
    let earlier = logs.rows.before(at).rev().position(|row| row.hit).map(|n| at - 1 - n);
    let later = || logs.rows.from(at).position(|row| row.hit).map(|n| at + n);
    let found = if here { Some(at) } else { earlier.or_else(later) };
    match found {
        Some(at) => {
            super::commands::pause(model);
            let height = height(model);
            model.view.logs.go(at, height);
        }
        None => "not found".clone_into(&mut model.view.logs.said),
    }
}
