//! What changed on the host. Starts and ends are told by the units, containers and gateways.

use crate::{
    diagnosis::{Bearing, Changed},
    observation::{ChangeKind, Touched},
    session::{RowKey, Shown},
};

use super::{Mark, MarkKind};

/// Two reports of the same file within so many seconds are one.
const SAME_SECS: i64 = 2;

pub(super) fn marks(shown: &Shown<'_>, all: &mut Vec<Mark>) {
    for changed in &shown.diagnosis.changes {
        let Some((kind, source)) = kind(changed.change.kind) else { continue };
        if is_told(changed, all) {
            continue;
        }
        let mark = Mark::new(changed.change.at, kind, changed.change.what.to_string());
        let mark = mark.says(changed.words(), source);
        let about = changed.change.touches.iter().find_map(|touched| match touched {
            Touched::Unit(unit) => Some(RowKey::Unit(unit.clone())),
            Touched::Container(id) => Some(RowKey::Container(id.clone())),
            _ => None,
        });
        all.push(Mark { about, ..mark.needed(changed.bearing != Bearing::Elsewhere) });
    }
}

/// What it is on the axis, and who told it; nothing for what others tell.
const fn kind(kind: ChangeKind) -> Option<(MarkKind, &'static str)> {
    match kind {
        ChangeKind::Package => Some((MarkKind::Change, "package log")),
        ChangeKind::Config | ChangeKind::UnitFile | ChangeKind::Deploy => {
            Some((MarkKind::Change, "files"))
        }
        ChangeKind::Certificate => Some((MarkKind::Change, "certificate")),
        ChangeKind::Container => Some((MarkKind::Change, "docker")),
        ChangeKind::Command => Some((MarkKind::Action, "sudo")),
        ChangeKind::Timer => Some((MarkKind::Started, "timers")),
        ChangeKind::Clock => Some((MarkKind::State, "journal")),
        ChangeKind::Service | ChangeKind::Boot => None,
    }
}

/// Whether the gateway has told of its own file already.
fn is_told(changed: &Changed, all: &[Mark]) -> bool {
    changed.change.kind == ChangeKind::Config
        && all.iter().any(|mark| {
            let near = mark.at.since(changed.change.at).as_secs().abs() <= SAME_SECS;
            let own = |touched: &Touched| match touched {
                Touched::Gateway(id) => id.to_string() == mark.whom,
                _ => false,
            };
            mark.kind == MarkKind::Change && near && changed.change.touches.iter().any(own)
        })
}
