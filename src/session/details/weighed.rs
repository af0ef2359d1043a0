//! A cause weighed: what can be done, what speaks for it and against it, what is missing, and what to
//! look at next.

use crate::{
    diagnosis::{Evidence, Finding},
    evidence::nginx_line,
    remedy::{Action, Offer},
    session::{
        Model, RowKey,
        page::{Block, Page, Tone},
        recovery::{Powers, label, tried},
        rows,
    },
};

use super::cause;

/// The page beside the list of causes; `None` when the row is gone.
pub fn weighed(model: &Model, key: &RowKey) -> Option<Page> {
    if let RowKey::Outside(text) = key {
        return Some(cause::outside(text));
    }
    let shown = model.shown();
    let finding = rows::finding(&shown, key)?;
    let mut page = Page::new(finding.cause);
    page.text(Tone::Strong, finding.summary.clone());
    page.blocks.push(Block::Gap);
    let sure = if finding.current { "holds now" } else { "over" };
    page.entry("sure", format!("{}, {sure}", finding.confidence.as_str()));
    if let Some(since) = finding.since {
        page.entry("since", since.to_string());
    }
    if let Some(past) = tried(shown.past, finding) {
        page.toned("tried", Tone::Warn, format!("{}: {}", past.plan.words(), past.words()));
    }
    can_be_done(&mut page, model, finding);
    evidence(&mut page, "For", ('+', Tone::Good), &finding.evidence);
    evidence(&mut page, "Against", ('-', Tone::Bad), &finding.against);
    page.heading("Missing");
    for missing in &finding.missing {
        let origin = format!("{} is out of sight: 0 says how to open it", missing.source);
        page.blocks.push(Block::Event('?', Tone::Warn, None, missing.what.clone(), origin));
    }
    if finding.missing.is_empty() {
        page.text(Tone::Muted, "nothing: everything that decides was seen");
    }
    if let Some(next) = &finding.next_check {
        page.section("Next check", next.clone());
    }
    if !finding.explains.is_empty() {
        page.section("Explains", finding.explains.join(", "));
    }
    Some(page)
}

fn evidence(page: &mut Page, heading: &str, (mark, tone): (char, Tone), all: &[Evidence]) {
    page.heading(heading);
    for one in all {
        let line = nginx_line::parse(&one.what);
        let what = line.map_or_else(|| one.what.clone(), |line| line.message.to_string());
        page.blocks.push(Block::Event(mark, tone, one.at, what, one.origin.to_string()));
    }
    if all.is_empty() {
        page.text(Tone::Muted, "nothing");
    }
}

fn can_be_done(page: &mut Page, model: &Model, finding: &Finding) {
    page.heading("What can be done");
    let whom = finding.subject.whom();
    let same = |offer: &&Offer| {
        offer.cause == finding.cause && (offer.whom == whom || model.offers.len() == 1)
    };
    let Some(offer) = model.offers.iter().find(same).filter(|_| finding.current) else {
        page.text(Tone::Muted, "nothing needs to be done: it is over");
        return;
    };
    let acts = model.powers == Powers::Act;
    for (at, plan) in offer.plans.iter().enumerate() {
        let key = match (acts, at) {
            (true, 0) => "r",
            (true, _) => "a",
            (false, _) => "by hand",
        };
        page.toned(key, Tone::Plain, format!("{}: {}", label(plan), plan.words()));
        if let Some(step) = plan.steps.first() {
            let back = if plan.reversible() { "can be taken back" } else { "cannot be taken back" };
            page.toned("", Tone::Muted, format!("risk: {}; {back}", step.risk()));
        }
        if !acts {
            for command in plan.steps.iter().flat_map(Action::commands) {
                page.toned("", Tone::Muted, command.join(" "));
            }
        }
    }
    if let (true, Some(refusal)) = (offer.plans.is_empty(), &offer.refusal) {
        page.toned("not by key", Tone::Warn, refusal.why.clone());
        // The next check has a place of its own.
        let others = |step: &&String| finding.next_check.as_ref() != Some(*step);
        for step in refusal.by_hand.iter().filter(others) {
            page.entry("by hand", step.clone());
        }
    }
    if let Some(place) = &offer.edit_at {
        page.entry("edit at", place.to_string());
    }
}
