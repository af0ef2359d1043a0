//! The list of everything that can be done.

use std::borrow::Cow;

use crate::{
    observation::Place,
    remedy::{Offer, Plan, Refusal, manual},
    session::Model,
};

use super::{
    Powers,
    choose::is_spent,
    target::{self, target},
};

/// A row of the list.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few rows that live for one frame or one key")]
pub enum Entry<'a> {
    /// A repair, and whether it was tried in vain.
    Plan(Cow<'a, Plan>, bool),
    /// For whom the plans below it are, which no finding calls for.
    Asked(String),
    /// A line to edit by hand, with tests, diff and a way back.
    Edit(&'a Offer, &'a Place),
    /// Nothing is done for this finding.
    Refused(&'a Offer, &'a Refusal),
}

/// What a row is, while rows come and go around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryKey(String);

impl Entry<'_> {
    /// What it is.
    pub fn key(&self) -> EntryKey {
        EntryKey(match self {
            Self::Plan(plan, _) => {
                format!("plan {} {} {} {}", plan.cause, plan.whom, plan.remedy, plan.words())
            }
            Self::Asked(whom) => format!("asked {whom}"),
            Self::Edit(offer, place) => format!("edit {} {} {place}", offer.cause, offer.whom),
            Self::Refused(offer, _) => format!("refused {} {}", offer.cause, offer.whom),
        })
    }
}

impl EntryKey {
    /// Where the selected row stands now.
    pub fn position(selected: Option<&Self>, index: usize, all: &[Entry<'_>]) -> usize {
        let found = selected.and_then(|key| all.iter().position(|entry| entry.key() == *key));
        let last = all.len().saturating_sub(1);
        let at = found.unwrap_or(index).min(last);
        // A heading is no row to stand on; the plans that it speaks of follow it.
        if matches!(all.get(at), Some(Entry::Asked(_))) { (at + 1).min(last) } else { at }
    }
}

/// The rows, in the order of the findings, and below them what may be asked for of whoever is
/// looked at.
pub fn entries(model: &Model) -> Vec<Entry<'_>> {
    let mut all: Vec<Entry<'_>> = Vec::new();
    for offer in &model.offers {
        all.extend(offer.plans.iter().map(|plan| of_plan(model, Cow::Borrowed(plan))));
        if let Some(place) = &offer.edit_at {
            let known = |e: &Entry<'_>| matches!(e, Entry::Edit(_, other) if *other == place);
            if !all.iter().any(known) {
                all.push(Entry::Edit(offer, place));
            }
        }
        if let (true, Some(refusal)) = (offer.plans.is_empty(), &offer.refusal) {
            all.push(Entry::Refused(offer, refusal));
        }
    }
    all.extend(asked(model));
    all
}

fn of_plan<'a>(model: &Model, plan: Cow<'a, Plan>) -> Entry<'a> {
    let spent = is_spent(model, &plan);
    Entry::Plan(plan, spent)
}

/// What a person may ask for, but for what a finding calls for already.
fn asked(model: &Model) -> Vec<Entry<'static>> {
    let Some(target) = target(model).filter(|_| model.powers == Powers::Act) else {
        return Vec::new();
    };
    let known = |plan: &Plan| {
        model.offers.iter().flat_map(|offer| &offer.plans).any(|other| other.steps == plan.steps)
    };
    let mut plans = manual(&target, &model.case, &model.diagnosis);
    plans.retain(|plan| !known(plan));
    if plans.is_empty() {
        return Vec::new();
    }
    let heading = Entry::Asked(target::words(model, &target));
    let plans = plans.into_iter().map(|plan| of_plan(model, Cow::Owned(plan)));
    std::iter::once(heading).chain(plans).collect()
}
