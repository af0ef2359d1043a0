//! The rows of the list of actions.

use crate::{
    remedy::Plan,
    session::{
        Model,
        page::Tone,
        recovery::{Entry, entries, label},
    },
};

/// Each row as mark, what is done, and for what.
pub fn rows(model: &Model) -> Vec<[(Tone, String); 3]> {
    entries(model)
        .into_iter()
        .map(|entry| match entry {
            Entry::Plan(plan, spent) => {
                let tone = if spent { Tone::Muted } else { Tone::Plain };
                let mark = if spent { "✗" } else { "▶" };
                let tried = if spent { "tried, not fixed: " } else { "" };
                [
                    (if spent { Tone::Bad } else { Tone::Good }, mark.to_owned()),
                    (tone, format!("{tried}{}: {}", label(&plan), plan.words())),
                    (Tone::Muted, asked_for(&plan)),
                ]
            }
            Entry::Asked(whom) => [
                (Tone::Accent, String::new()),
                (Tone::Accent, format!("{whom}, on request")),
                (Tone::Muted, String::new()),
            ],
            Entry::Edit(offer, place) => [
                (Tone::Accent, "✎".to_owned()),
                (Tone::Plain, format!("edit at {place}")),
                (Tone::Muted, offer.cause.to_owned()),
            ],
            Entry::Refused(offer, refusal) => [
                (Tone::Warn, "–".to_owned()),
                (Tone::Muted, format!("nothing at one key: {}", refusal.why)),
                (Tone::Muted, offer.cause.to_owned()),
            ],
        })
        .collect()
}

/// For what a plan is.
fn asked_for(plan: &Plan) -> String {
    if plan.cause.is_empty() { "asked for".to_owned() } else { plan.cause.clone() }
}
