//! The list of everything that can be done.

use crate::{
    observation::Place,
    remedy::{Offer, Plan, Refusal},
    session::Model,
};

use super::choose::is_spent;

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A repair, and whether it was tried in vain.
    Plan(&'a Plan, bool),
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
            Self::Edit(offer, place) => format!("edit {} {} {place}", offer.cause, offer.whom),
            Self::Refused(offer, _) => format!("refused {} {}", offer.cause, offer.whom),
        })
    }
}

impl EntryKey {
    /// Where the selected row stands now.
    pub fn position(selected: Option<&Self>, index: usize, all: &[Entry<'_>]) -> usize {
        let found = selected.and_then(|key| all.iter().position(|entry| entry.key() == *key));
        found.unwrap_or(index).min(all.len().saturating_sub(1))
    }
}

/// The rows, in the order of the findings.
pub fn entries(model: &Model) -> Vec<Entry<'_>> {
    let mut all: Vec<Entry<'_>> = Vec::new();
    for offer in &model.offers {
        all.extend(offer.plans.iter().map(|plan| Entry::Plan(plan, is_spent(model, plan))));
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
    all
}
