//! On whom a person would act who asks for something without a finding: whoever is looked at.

use crate::{
    observation::{Owner, UpstreamId},
    remedy::Target,
    session::{Layer, Model, RowKey, rows, timeline},
};

/// The unit or container that is looked at or stands behind what is looked at, else the gateway.
pub fn target(model: &Model) -> Option<Target> {
    let key = looked_at(model);
    let key = key.map(|key| timeline::about(&model.shown(), key));
    let own = key.as_ref().and_then(|key| match key {
        RowKey::Unit(name) | RowKey::Cgroup(Owner::Unit(name)) => Some(Target::Unit(name.clone())),
        RowKey::Container(id) | RowKey::Cgroup(Owner::Container(id)) => {
            Some(Target::Container(id.clone()))
        }
        RowKey::Program(id) | RowKey::Cgroup(Owner::Program(id)) => {
            Some(Target::Program(id.clone()))
        }
        RowKey::Upstream(id) => behind(model, id),
        _ => None,
    });
    own.or_else(|| model.diagnosis.gateways.first().map(|g| Target::Gateway(g.id.clone())))
}

/// The row of the open page, or the selected one.
fn looked_at(model: &Model) -> Option<RowKey> {
    let view = &model.view;
    let open = view.layers.iter().rev().find_map(|layer| match layer {
        Layer::Page { key, .. } => Some(key.clone()),
        _ => None,
    });
    open.or_else(|| {
        let pane = view.rows()?;
        let keys = rows::keys(&model.shown(), pane, &view.query);
        let at = view.pane(pane).position(&keys);
        keys.into_iter().nth(at)
    })
}

fn behind(model: &Model, id: &UpstreamId) -> Option<Target> {
    let row = model.diagnosis.upstreams.iter().find(|row| row.id == *id)?;
    let container = || row.container.clone().map(|(id, _)| Target::Container(id));
    let unit = row.unit.clone().map(Target::Unit);
    let program = row.program.clone().map(Target::Program);
    container().or(unit).or(program).or_else(|| Some(Target::Gateway(row.gateway.clone())))
}

/// A target as people name it.
pub(super) fn words(model: &Model, target: &Target) -> String {
    match target {
        Target::Unit(name) => name.to_string(),
        Target::Container(id) => {
            let name = model.case.containers.get(id).map(|c| c.name.to_string());
            format!("container {}", name.unwrap_or_else(|| id.to_string()))
        }
        Target::Program(id) => id.to_string(),
        Target::Gateway(id) => format!("gateway {id}"),
    }
}
