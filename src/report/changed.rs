//! What changed before, for people and for scripts.

use serde_json::{Map, Value, json};

use crate::{
    diagnosis::{Bearing, Changed, Diagnosis, Status},
    observation::Touched,
};

use super::page::{Ink, Page};

/// Changes told in a text report.
const SHOWN: usize = 8;
/// What no upstream leads to is told when it happened so shortly before, seconds.
const NEAR_SECS: i64 = 3600;

/// The list of a text report; nothing on a healthy host.
pub(super) fn list(page: &mut Page, diagnosis: &Diagnosis) {
    let tells = |changed: &&Changed| {
        let near = changed.secs_before.is_some_and(|secs| secs <= NEAR_SECS);
        changed.is_before() && (changed.bearing != Bearing::Elsewhere || near)
    };
    let told: Vec<&Changed> = diagnosis.changes.iter().filter(tells).collect();
    if told.is_empty() || diagnosis.status == Status::Healthy {
        return;
    }
    page.blank();
    page.text("Changed before");
    for changed in told.iter().take(SHOWN) {
        page.labelled(("", Ink::Plain), 0, &changed.sentence(), Ink::Plain);
    }
    let more = told.len().saturating_sub(SHOWN);
    if more > 0 {
        page.labelled(("", Ink::Plain), 0, &format!("and {more} more: -o json"), Ink::Faint);
    }
}

/// One change as JSON.
pub(super) fn json(changed: &Changed) -> Value {
    let change = &changed.change;
    let by = Some(change.by.to_string()).filter(|by| !by.is_empty());
    json!({
        "at": change.at.rfc3339(),
        "kind": change.kind.as_str(),
        "what": change.what.to_string(),
        "by": by,
        "origin": change.origin.to_string(),
        "bearing": changed.bearing.as_str(),
        "seconds_before": changed.secs_before,
        "touches": change.touches.iter().map(touched).collect::<Vec<_>>(),
    })
}

fn touched(touched: &Touched) -> Value {
    let (key, value) = match touched {
        Touched::Host => ("host", Value::Bool(true)),
        Touched::Gateway(id) => ("gateway", id.to_string().into()),
        Touched::Unit(unit) => ("unit", unit.to_string().into()),
        Touched::Container(id) => ("container_id", id.as_str().into()),
        Touched::Path(path) => ("path", path.to_string().into()),
    };
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}
