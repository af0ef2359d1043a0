//! One frame.

use jiff::tz::TimeZone;
use ratatui::{Frame, buffer::Buffer, layout::Rect, widgets::Widget};

use crate::session::{
    Layer, Pane, Place,
    layout::{Area, Layout, SMALLEST, layout_at, list_area},
    page::Tone,
    rows,
};

use super::{
    Look, Snapshot, footer, header,
    ink::Ink,
    kiosk::kiosk,
    replay,
    screens::{self, Part},
    widgets::{highlight, to_ascii, without_colour},
};

/// Draws a snapshot.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot<'_>) {
    let own;
    let snapshot = if snapshot.model.view.utc {
        own = Look { zone: TimeZone::UTC, ..snapshot.look.clone() };
        &Snapshot { look: &own, ..*snapshot }
    } else {
        snapshot
    };
    let area = frame.area();
    // The real area: the session may not have heard of the newest size yet.
    let size = (area.width, area.height);
    let layout = layout_at(size, &snapshot.model.view, &snapshot.model.shown());
    ratatui::widgets::Clear.render(area, frame.buffer_mut());
    if layout.too_small {
        too_small(frame.buffer_mut(), area, snapshot);
    } else if let Some(state) = &snapshot.model.kiosk {
        let whole = Area { x: area.x, y: area.y, width: area.width, height: area.height };
        kiosk(frame.buffer_mut(), whole, snapshot, state);
    } else {
        header::draw(frame.buffer_mut(), layout.header, snapshot);
        screens::views(frame.buffer_mut(), layout.views, snapshot);
        body(frame.buffer_mut(), &layout, snapshot);
        replay::draw(frame.buffer_mut(), layout.axis, snapshot);
        footer::draw(frame, layout.footer, snapshot);
    }
    finish(frame.buffer_mut(), snapshot);
}

fn body(buf: &mut Buffer, layout: &Layout, snapshot: &Snapshot<'_>) {
    let view = &snapshot.model.view;
    let lines =
        |l: &&Layer| !matches!(l, Layer::Search { .. } | Layer::Reason { .. } | Layer::Logs { .. });
    let open = view.layers.iter().rev().find(lines);
    if let Some(layer) = open {
        match layer {
            Layer::Confirm => screens::confirm(buf, layout.body, layer, snapshot),
            Layer::Actions { selected, index, top } => {
                screens::actions(buf, layout.body, (selected.as_ref(), *index, *top), snapshot);
            }
            Layer::Editor | Layer::Leave => screens::editor(buf, layout.body, snapshot),
            Layer::Wizard { .. } => screens::wizard(buf, layout.body, layer, snapshot),
            Layer::Palette(palette) => screens::palette(buf, layout.body, palette, snapshot),
            _ => screens::page(buf, layout.body, layer, snapshot),
        }
        if !matches!(layer, Layer::Palette(_)) {
            highlight(buf, layout.body.split_top(1).1, &view.query);
        }
        return;
    }
    let shown = snapshot.model.shown();
    for (at, (pane, area)) in layout.panes.iter().enumerate() {
        let tabs = if at + 1 == layout.panes.len() { layout.tabs } else { &[] };
        let query = view.query_in(*pane);
        let keys = rows::keys(&shown, *pane, query);
        let (list, notes) = list_area(&shown, *pane, *area, keys.len());
        let focused = view.rows() == Some(*pane);
        let (look, over) = (snapshot.look, &snapshot.model.recovery.past);
        let part = Part { shown: &shown, look, view, keys: &keys, area: list, focused, over };
        screens::title(buf, *area, *pane, tabs, &part);
        screens::notes(buf, notes, *pane, &part);
        match pane {
            _ if screens::fills(buf, view.place, &part) => {}
            Pane::Timeline => {}
            Pane::Cause => screens::cause(buf, &part),
            Pane::Upstreams => screens::upstreams(buf, &part),
            Pane::Errors => screens::errors(buf, &part),
            Pane::Memory => screens::memory(buf, &part),
            Pane::Units => screens::units(buf, &part),
        }
        highlight(buf, list, query);
    }
    match view.place {
        Place::Chain | Place::Causes | Place::Timeline | Place::Memory | Place::Units => {
            screens::side(buf, layout.side, snapshot);
        }
        Place::Logs => screens::logs(buf, layout.body, snapshot),
        // The wizard and the audit are layers.
        Place::Overview | Place::Recovery | Place::Audit => {}
    }
}

fn too_small(buf: &mut Buffer, area: Rect, snapshot: &Snapshot<'_>) {
    let area = Area { x: area.x, y: area.y, width: area.width, height: area.height };
    let (columns, rows) = SMALLEST;
    let width = usize::from(area.width);
    let replay = if snapshot.model.replay.is_some() { "REPLAY " } else { "" };
    let said = Ink::of(Tone::Accent, replay).put(Tone::Strong, "too small");
    said.cut(width).draw(buf, area, 0);
    Ink::of(Tone::Plain, format!("needs {columns} x {rows}")).cut(width).draw(buf, area, 1);
}

fn finish(buf: &mut Buffer, snapshot: &Snapshot<'_>) {
    let look = snapshot.look;
    if let Some(theme) = look.theme(&snapshot.model.view.theme) {
        theme.dress(buf, look.depth);
    }
    if look.ascii {
        to_ascii(buf);
    }
    if !look.colour {
        without_colour(buf);
    }
}
