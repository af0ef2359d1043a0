//! The page of a row, and the page of the keys.

use jiff::tz::TimeZone;

use crate::session::{
    Layer, Model, RowKey, Shown,
    page::{Line, Page, Tone, wrap},
    practice,
};

use super::{
    audit, cause, errors, help, logs, mark, memory, recovery, requests, sources, unit, upstream,
    wizard,
};

/// The page of a layer; none where it is no page.
pub fn layer(model: &Model, layer: &Layer) -> Option<Page> {
    match layer {
        Layer::Page { key: RowKey::Sources, .. } => Some(sources::page(model)),
        Layer::Page { key: RowKey::Line(key), .. } => {
            Some(logs::page(model, *key).unwrap_or_else(gone))
        }
        Layer::Page { key, .. } => Some(page(&model.shown(), key)),
        Layer::Help { .. } => Some(help::page(model)),
        Layer::Confirm => model.recovery.run.as_ref().map(recovery::confirm),
        Layer::Run => model.recovery.run.as_ref().map(|run| recovery::run(model, run)),
        Layer::Refusal { cause, whom, .. } => Some(recovery::refusal(model, cause, whom)),
        Layer::Audit { .. } => Some(audit::page(model)),
        Layer::Wizard { .. } => Some(wizard::page(model)),
        Layer::Senior { .. } => Some(wizard::senior(model)),
        Layer::Practice { sheet, .. } => practice::page(model, *sheet),
        Layer::Actions { .. }
        | Layer::Search { .. }
        | Layer::Logs { .. }
        | Layer::Reason { .. }
        | Layer::Editor
        | Layer::Palette(_)
        | Layer::Leave => None,
    }
}

/// The lines of a layer that is a page, of so many columns.
pub fn lines(model: &Model, layer: &Layer, width: u16, zone: &TimeZone) -> Vec<Line> {
    if matches!(layer, Layer::Help { .. }) {
        return help::lines(model, width);
    }
    let now = model.shown().case.now.wall;
    self::layer(model, layer).map(|page| wrap(&page, width, zone, now)).unwrap_or_default()
}

/// The page of a row. When the row is gone, the page says so.
pub fn page(shown: &Shown<'_>, key: &RowKey) -> Page {
    let page = match key {
        RowKey::Finding(..) | RowKey::Recovered(..) => cause::page(shown, key),
        RowKey::Outside(text) => Some(cause::outside(text)),
        RowKey::Upstream(id) => upstream::page(shown, id),
        RowKey::Requests => Some(requests::page(shown)),
        RowKey::Fold(id, to, who) => errors::page(shown, *id, to.as_ref(), *who),
        RowKey::Memory | RowKey::Swap | RowKey::Pressure => Some(memory::host(shown)),
        RowKey::Kill(sequence) => memory::kill(shown, *sequence),
        RowKey::Segfault(sequence) => memory::crash(shown, *sequence),
        RowKey::Cgroup(owner) => memory::group(shown, owner),
        RowKey::Disk(mount) => memory::disk(shown, mount),
        RowKey::Unit(name) => unit::unit(shown, name),
        RowKey::Container(id) => unit::container(shown, id),
        RowKey::Program(id) => unit::program(shown, id),
        RowKey::Sources => Some(sources::sources(shown)),
        RowKey::Mark(key) => mark::page(shown, key),
        // Whoever has the whole model asks for this one; see `layer`.
        RowKey::Line(_) => None,
    };
    page.unwrap_or_else(gone)
}

fn gone() -> Page {
    let mut page = Page::new("Gone");
    page.text(Tone::Muted, "This row is no longer there: what it showed has gone away.");
    page
}
