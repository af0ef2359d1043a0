//! Which repair the one key offers now.

use crate::{
    diagnosis::Finding,
    remedy::{Action, Offer, Plan, Refusal},
    session::{Layer, Model, Pane, RowKey, rows},
};

use super::Past;

/// What the key does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice<'a> {
    /// It prepares this.
    Plan(&'a Plan),
    /// It says why nothing is done.
    Refusal(&'a Offer, &'a Refusal),
    /// Everything that could be done has been tried.
    Exhausted(&'a Offer),
}

/// The offers, that of the selected finding first.
fn ordered(model: &Model) -> Vec<&Offer> {
    let at = selected(model).unwrap_or(0);
    let (before, from) = model.offers.split_at_checked(at).unwrap_or((&[], &model.offers));
    from.iter().chain(before).collect()
}

/// Index of the offer of the finding that the person looks at.
fn selected(model: &Model) -> Option<usize> {
    let view = &model.view;
    let page = view.layers.iter().rev().find_map(|layer| match layer {
        Layer::Page { key, .. } => Some(key.clone()),
        _ => None,
    });
    let key = page.or_else(|| {
        let keys = rows::keys(&model.shown(), Pane::Cause, view.query_in(Pane::Cause));
        let at = view.pane(Pane::Cause).position(&keys);
        keys.into_iter().nth(at).filter(|_| view.rows() == Some(Pane::Cause))
    })?;
    let RowKey::Finding(cause, subject) = key else { return None };
    model.offers.iter().position(|offer| offer.cause == cause && offer.whom == subject)
}

/// What the key does now: the first repair that has not been tried in vain, beginning with the
/// selected finding; `None` when there is no finding.
pub fn best(model: &Model) -> Option<Choice<'_>> {
    let all = ordered(model);
    for offer in &all {
        if let Some(plan) = offer.plans.iter().find(|plan| !is_spent(model, plan)) {
            return Some(Choice::Plan(plan));
        }
        if let (true, Some(refusal)) = (offer.plans.is_empty(), &offer.refusal) {
            return Some(Choice::Refusal(offer, refusal));
        }
    }
    all.first().map(|offer| Choice::Exhausted(offer))
}

/// Whether the same steps for the same finding were tried and did not help.
pub(super) fn is_spent(model: &Model, plan: &Plan) -> bool {
    let same = |past: &&Past| {
        past.plan.cause == plan.cause
            && past.plan.whom == plan.whom
            && past.plan.steps == plan.steps
            && !past.undo
    };
    model.recovery.past.iter().filter(same).any(Past::failed)
}

/// The newest of past runs that was to cure a finding, when it did not.
pub fn tried<'a>(past: &'a [Past], finding: &Finding) -> Option<&'a Past> {
    let whom = finding.subject.whom();
    let same =
        |past: &&Past| past.plan.cause == finding.cause && past.plan.whom == whom && !past.undo;
    past.iter().rev().find(same).filter(|past| past.failed())
}

/// A repair in two or three words: `restart php8.2-fpm`.
pub fn label(plan: &Plan) -> String {
    let main = plan.steps.iter().find(|step| !matches!(step, Action::ResetFailed { .. }));
    let main = main.or_else(|| plan.steps.first());
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let what = match main {
        Some(Action::EditFile(edit)) => {
            format!("{}:{}", last(edit.file.to_string()), edit.change.line())
        }
        Some(Action::ReloadGateway { gateway, .. }) => {
            gateway.to_string().split(':').next().unwrap_or_default().to_owned()
        }
        Some(Action::SetSocketAccess { path, .. }) => last(path.to_string()),
        Some(Action::AllowTraverse { directory, .. }) => directory.to_string(),
        Some(Action::EndProcess { pid, name }) => format!("{name} ({pid})"),
        Some(step) => match (step.unit(), step.container()) {
            (Some(unit), _) => {
                let name = unit.as_str();
                name.strip_suffix(".service").unwrap_or(name).to_owned()
            }
            (None, Some((_, name))) => name.to_string(),
            (None, None) => plan.whom.clone(),
        },
        None => plan.whom.clone(),
    };
    format!("{} {what}", plan.short())
}
