//! From a row to the log lines that name it.

use crate::{
    diagnosis::Finding,
    observation::{Owner, UnitName},
};

use super::{Effect, Layer, Model, Place, RowKey, Shown, logs, rows};

impl Model {
    /// Turns to the logs, filtered to what the selected row, or the open page, is about.
    pub(super) fn lines_of(&mut self) -> Vec<Effect> {
        let shown = self.shown();
        let row = self.row_here();
        let names = row.map(|row| names(&shown, &row)).unwrap_or_default();
        if names.is_empty() {
            "no log line names this row".clone_into(&mut self.said);
            return vec![Effect::Draw];
        }
        let pattern: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        self.view.layers.clear();
        self.view.turn_to(Place::Logs);
        logs::only(self, &pattern.join("|"));
        vec![Effect::Draw]
    }

    /// The row of the open page, else the selected one.
    fn row_here(&self) -> Option<RowKey> {
        let open = self.view.layers.iter().rev().find_map(|layer| match layer {
            Layer::Page { key, .. } => Some(key.clone()),
            _ => None,
        });
        open.or_else(|| {
            let pane = self.view.rows()?;
            let keys = rows::keys(&self.shown(), pane, &self.view.query);
            let at = self.view.pane(pane).position(&keys);
            keys.into_iter().nth(at)
        })
    }
}

/// By which names log lines speak of a row.
fn names(shown: &Shown<'_>, key: &RowKey) -> Vec<String> {
    let owner = |owner: &Owner| match owner {
        Owner::Unit(name) => vec![stem(name)],
        Owner::Container(_) => vec![rows::owner_name(shown, Some(owner))],
        Owner::Program(id) => vec![id.name.to_string()],
    };
    match key {
        RowKey::Finding(..) | RowKey::Recovered(..) => {
            rows::finding(shown, key).map(of_finding).unwrap_or_default()
        }
        RowKey::Upstream(id) => {
            let row = shown.diagnosis.upstreams.iter().find(|row| row.id == *id);
            row.map(|row| {
                let unit = row.unit.as_ref().map(stem);
                let container = row.container.as_ref().map(|(_, name)| name.to_string());
                let address = Some(row.address.clone());
                let program = row.program.as_ref().map(|id| id.name.to_string());
                address.into_iter().chain(unit).chain(program).chain(container).collect()
            })
            .unwrap_or_default()
        }
        RowKey::Fold(_, Some(address), _) => vec![address.to_string()],
        RowKey::Kill(sequence) => {
            let kill = shown.case.kills.iter().find(|kill| kill.sequence == *sequence);
            let named = kill.map(|kill| kill.name.to_string());
            named
                .into_iter()
                .chain(kill.and_then(|k| k.owner.as_ref()).map(owner).into_iter().flatten())
                .collect()
        }
        RowKey::Cgroup(of) => owner(of),
        RowKey::Unit(name) => vec![stem(name)],
        RowKey::Container(id) => owner(&Owner::Container(id.clone())),
        RowKey::Program(id) => vec![id.name.to_string()],
        _ => Vec::new(),
    }
}

fn of_finding(finding: &Finding) -> Vec<String> {
    let subject = &finding.subject;
    let unit = subject.unit.as_ref().map(stem);
    let unit = unit.or_else(|| subject.program.as_ref().map(|id| id.name.to_string()));
    let container = subject.container.as_ref().map(|(_, name)| name.to_string());
    let address = subject.address.as_ref().map(ToString::to_string);
    unit.into_iter().chain(container).chain(address).collect()
}

/// Programs write their name without `.service`.
fn stem(unit: &UnitName) -> String {
    let name = unit.as_str();
    name.strip_suffix(".service").unwrap_or(name).to_owned()
}
