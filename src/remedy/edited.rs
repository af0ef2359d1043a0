//! The plan that saves what a person edited.

use crate::{
    diagnosis::{Confidence, Diagnosis, Finding, FindingSubject},
    evidence::CaseFile,
    observation::{GatewayId, UnitName},
};

use super::{Action, FileEdit, Plan, look::About, promise, propose::Bench};

/// Whose file was edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The gateway that reads it.
    pub gateway: Option<GatewayId>,
    /// The unit that reads it, where it is no gateway's.
    pub unit: Option<UnitName>,
}

/// Writes the file and has its program read it, with the promise of the finding that led to it.
pub fn edited(
    edit: FileEdit,
    owner: &Owner,
    about: Option<About<'_>>,
    diagnosis: &Diagnosis,
    case: &CaseFile,
) -> Plan {
    let same = |f: &&Finding| {
        about.is_some_and(|about| f.cause == about.cause && f.subject.whom() == about.whom)
    };
    let words = edit.words();
    let own = diagnosis.findings.iter().find(same).cloned();
    let led_here = own.is_some();
    let mut finding = own.unwrap_or_else(|| {
        Finding::new("edited-by-hand", Confidence::Possible, words)
            .about(FindingSubject { unit: owner.unit.clone(), ..FindingSubject::default() })
    });
    if finding.subject.gateway.is_none() {
        finding.subject.gateway.clone_from(&owner.gateway);
    }
    let mut steps = vec![Action::EditFile(edit)];
    steps.extend(load(owner, case));
    let bench = Bench { finding: &finding, diagnosis, case };
    let mut plan = promise::plan("edit-config", steps, &bench.concern());
    if !led_here {
        // It cures no finding, so none has to be seen for it.
        plan.cause.clear();
    }
    plan
}

/// What makes it count.
fn load(owner: &Owner, case: &CaseFile) -> Vec<Action> {
    let start = |unit: &UnitName| {
        vec![Action::ResetFailed { unit: unit.clone() }, Action::StartUnit { unit: unit.clone() }]
    };
    if let Some(gateway) = owner.gateway.as_ref().and_then(|id| case.gateways.get(id)) {
        return match (gateway.master.filter(|_| gateway.running), &gateway.unit) {
            (Some(_), _) => super::reload(gateway).into_iter().collect(),
            (None, Some(unit)) => start(unit),
            (None, None) => Vec::new(),
        };
    }
    match owner.unit.as_ref().and_then(|name| case.units.get(name)) {
        Some(unit) if unit.is_up() => vec![Action::ReloadUnit { unit: unit.name.clone() }],
        Some(unit) => start(&unit.name),
        None => Vec::new(),
    }
}
