//! Starts and reloads of gateways, changes of their configuration, the start of the host.

use crate::{
    observation::{Owner, Wall},
    session::{RowKey, Shown},
};

use super::{Mark, MarkKind};

/// Workers that start so soon after their master belong to its start, seconds.
const START_SECS: i64 = 5;

pub(super) fn marks(shown: &Shown<'_>, all: &mut Vec<Mark>) {
    for gateway in &shown.diagnosis.gateways {
        let (kind, id) = (gateway.kind.as_str(), gateway.id.to_string());
        let unit = gateway.unit.clone().map(Owner::Unit);
        let owner = gateway.container.clone().map(Owner::Container).or(unit);
        let about = owner.map(|owner| match owner {
            Owner::Unit(name) => RowKey::Unit(name),
            Owner::Container(id) => RowKey::Container(id),
            Owner::Program(id) => RowKey::Program(id),
        });
        let mut put = |at, kind, what: String, source| {
            let mark = Mark::new(at, kind, id.clone()).says(what, source);
            all.push(Mark { about: about.clone(), ..mark });
        };
        if let Some(at) = gateway.started {
            put(at, MarkKind::Started, kind.to_owned(), "processes");
        }
        let began = gateway.started.unwrap_or_default();
        let loaded = gateway.loaded.filter(|at| at.since(began).as_secs() > START_SECS);
        if let Some(at) = loaded {
            let what = format!("{kind} loaded its configuration: new workers");
            put(at, MarkKind::Reload, what, "processes");
        }
        let config = shown.case.configs.get(&gateway.id);
        if let Some(at) = config.and_then(|config| config.modified) {
            let stale = gateway.running && gateway.missed(at);
            let what = if stale {
                format!("a file of {}; not loaded yet", gateway.config)
            } else {
                format!("a file of {}", gateway.config)
            };
            put(at, MarkKind::Change, what, "configuration files");
        }
    }
    let (wall, boot) = (shown.case.now.wall, shown.case.now.boot);
    let up = i64::try_from(boot.0 / 1_000_000).unwrap_or(0);
    if up > 0 && wall > Wall::default() {
        let mark = Mark::new(wall.minus_secs(up), MarkKind::Started, "host");
        let mark = mark.says("the host", "kernel");
        all.push(Mark { moves: true, ..mark });
    }
}
