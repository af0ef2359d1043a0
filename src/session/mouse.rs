//! What the mouse does: it chooses, opens and scrolls. It never acts, and answers no question.

use super::{
    Effect, Key, KeyCode, Layer, Model, Mouse, MouseKind, Pane, Place, RowKey, footer, hint_at,
    input,
    keymap::{Command, Scope, Step},
    layout::{self, Area, Layout, first_visible},
    logs, named, rows,
    sections::{self, Sections, Slot},
    tab_names, view_names,
};

/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;
/// The key that stands for a click where something asks by which key it was opened.
const CLICK: Key = Key { code: KeyCode::Enter, control: false };

/// Does what a press or a notch of the wheel asks for.
pub(super) fn update(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    let layout = layout::layout(&model.view, &model.shown());
    if layout.too_small || model.view.mouse_off {
        return Vec::new();
    }
    let at = (mouse.column, mouse.row);
    match mouse.kind {
        MouseKind::Press => press(model, &layout, at),
        MouseKind::ScrollUp => wheel(model, &layout, at, Step::Up),
        MouseKind::ScrollDown => wheel(model, &layout, at, Step::Down),
    }
}

fn is_bound(model: &Model, command: Command) -> bool {
    model.keys.shown(model.scope(), model.powers, command).is_some()
}

const fn within(area: Area, (column, row): (u16, u16)) -> bool {
    column >= area.x && row >= area.y && column - area.x < area.width && row - area.y < area.height
}

fn press(model: &mut Model, layout: &Layout, at: (u16, u16)) -> Vec<Effect> {
    if within(layout.footer, at) {
        return foot(model, layout, usize::from(at.0));
    }
    if within(layout.views, at) {
        let names = view_names(model.view.here(), usize::from(layout.views.width));
        let place = named(&names, usize::from(at.0));
        let place = place.filter(|place| is_bound(model, Command::Show(*place)));
        return place.map_or_else(Vec::new, |place| input::act(model, Command::Show(place), CLICK));
    }
    let body = layout.body.split_top(1).1;
    match model.view.layers.last_mut() {
        Some(Layer::Palette(palette)) if within(body, at) => {
            let height = usize::from(body.height);
            let first = first_visible(palette.top, palette.index, height, palette.found.len());
            let row = first + usize::from(at.1 - body.y);
            if row < palette.found.len() {
                palette.choose(row, height);
            }
            vec![Effect::Draw]
        }
        Some(_) => Vec::new(),
        None => on_pane(model, layout, at),
    }
}

/// A key of the footer, as far as it neither acts nor answers.
fn foot(model: &mut Model, layout: &Layout, column: usize) -> Vec<Effect> {
    let all = footer(model, usize::from(layout.footer.width)).hints;
    let hint = hint_at(&all, column).filter(|hint| hint.clicks).map(|hint| hint.command);
    hint.map_or_else(Vec::new, |command| input::act(model, command, CLICK))
}

fn on_pane(model: &mut Model, layout: &Layout, at: (u16, u16)) -> Vec<Effect> {
    if model.view.place == Place::Logs && logs::point(model, at) {
        return vec![Effect::Draw];
    }
    let Some((pane, area)) = layout.panes.iter().find(|(_, area)| within(*area, at)).copied()
    else {
        return Vec::new();
    };
    let tabs =
        if layout.panes.last().is_some_and(|(last, _)| *last == pane) { layout.tabs } else { &[] };
    if at.1 == area.y {
        let names = tab_names(tabs, area.width);
        let pane = named(&names, usize::from(at.0 - area.x)).unwrap_or(pane);
        focus(model, pane);
        return vec![Effect::Draw];
    }
    let was = model.view.rows() == Some(pane);
    let Some((keys, row, height)) = row_at(model, pane, area, at) else {
        focus(model, pane);
        return vec![Effect::Draw];
    };
    let selected = model.view.pane(pane).position(&keys);
    if was && selected == row {
        return input::act(model, Command::Open, CLICK);
    }
    focus(model, pane);
    input::select(model, pane, &keys, row, height);
    vec![Effect::Draw]
}

fn focus(model: &mut Model, pane: Pane) {
    if model.scope() == Scope::Panes {
        model.view.look_at(pane);
    }
}

/// The rows of a pane, which of them stands at a place, and how many are visible at once.
fn row_at(
    model: &Model,
    pane: Pane,
    area: Area,
    at: (u16, u16),
) -> Option<(Vec<RowKey>, usize, usize)> {
    let shown = model.shown();
    let keys = rows::keys(&shown, pane, model.view.query_in(pane));
    let (list, _) = layout::list_area(&shown, pane, area, keys.len());
    let view = model.view.pane(pane);
    let selected = view.position(&keys);
    let height = usize::from(list.height);
    let down = usize::from(at.1.checked_sub(list.y)?);
    let sections = sections::starts(model.view.place, &shown, &keys, list.height);
    if !sections.is_empty() {
        let all = Sections::new(&view, &keys, &sections, list);
        let slot = all.slots.get(down).filter(|_| within(list, at))?;
        let Slot::Row(row) = slot else { return None };
        return Some((keys, *row, height));
    }
    // What is said where there is no cause stands above the others, as high as it is.
    if pane == Pane::Cause && shown.diagnosis.findings.is_empty() {
        return None;
    }
    // The selected cause takes as many lines as it has evidence: of the causes only those before
    // it have a place that is known here.
    let row = if pane == Pane::Cause && model.view.place == Place::Overview {
        let row = first_visible(view.top, selected, height, keys.len()) + down;
        if row >= selected { selected } else { row }
    } else {
        first_visible(view.top, selected, height, keys.len()) + down
    };
    let hit = within(list, at) && row < keys.len();
    hit.then_some((keys, row, height))
}

/// Scrolls what lies under the pointer.
fn wheel(model: &mut Model, layout: &Layout, at: (u16, u16), step: Step) -> Vec<Effect> {
    let under = layout.panes.iter().find(|(_, area)| within(*area, at)).copied();
    if let Some((pane, area)) = under.filter(|_| model.view.layers.is_empty()) {
        let shown = model.shown();
        let keys = rows::keys(&shown, pane, model.view.query_in(pane));
        let list = layout::list_area(&shown, pane, area, usize::MAX).0;
        let at = model.view.pane(pane).position(&keys);
        let next = match step {
            Step::Up => at.saturating_sub(NOTCH),
            _ => (at + NOTCH).min(keys.len().saturating_sub(1)),
        };
        input::select(model, pane, &keys, next, usize::from(list.height));
        return vec![Effect::Draw];
    }
    let command = Command::Move(step);
    if !is_bound(model, command) {
        return Vec::new();
    }
    (0..NOTCH).flat_map(|_| input::act(model, command, CLICK)).collect()
}
