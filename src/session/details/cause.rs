//! A finding: what it is, why that gives a 502, what tells it apart, what cures it.

use crate::{
    diagnosis::{Evidence, Finding, words::CauseText},
    session::{
        RowKey, Shown,
        history::{lasted, outcome},
        page::{Block, Page, Tone},
        rows,
    },
};

pub(super) fn page(shown: &Shown<'_>, key: &RowKey) -> Option<Page> {
    let finding = rows::finding(shown, key)?;
    let text = CauseText::get(finding.cause);
    let mut page = Page::new(text.map_or(finding.cause, |t| t.title.as_str()));
    page.text(Tone::Strong, finding.summary.clone());
    page.blocks.push(Block::Gap);
    let tone = if finding.current { Tone::Bad } else { Tone::Muted };
    let state = if finding.current { "holds now" } else { "over" };
    page.toned("state", tone, format!("{state}, {}", finding.confidence.as_str()));
    page.entry("cause", finding.cause);
    if let Some(since) = finding.since {
        page.entry("since", since.to_string());
    }
    whom(&mut page, finding);
    before(&mut page, shown, finding);
    if let Some(changed) = &finding.changed_before {
        page.section("Changed before", changed.sentence());
    }
    evidence(&mut page, finding);
    if let Some(next) = &finding.next_check {
        page.section("Next check", next.clone());
    }
    if let Some(text) = text {
        page.section("What it is", text.what.clone());
        page.section("Why the client sees an error", text.why_502.clone());
        page.section("How to tell it from others", text.tell_apart.clone());
        page.section("What cures it", text.fix.clone());
        page.section("What not to do", text.do_not.clone());
        if let Some(why) = &text.no_remedy {
            page.section("No remedy at one key", why.clone());
        }
    }
    Some(page)
}

/// When it was seen before.
fn before(page: &mut Page, shown: &Shown<'_>, finding: &Finding) {
    const TOLD: usize = 5;
    let Some(before) = shown.history.before(finding, shown.diagnosis) else { return };
    let now = shown.case.now.wall;
    page.heading("Seen before");
    for past in before.all.iter().take(TOLD) {
        let lasted = lasted(past.secs());
        let what = format!("#{}, {lasted}, {}", past.id, outcome(past, now));
        page.blocks.push(Block::Event('·', Tone::Plain, Some(past.first), what, String::new()));
    }
    let more = before.all.len().saturating_sub(TOLD);
    if more > 0 {
        let cause = finding.cause;
        page.text(Tone::Muted, format!("and {more} more: gatemedic history --cause {cause}"));
    }
}

fn whom(page: &mut Page, finding: &Finding) {
    let subject = &finding.subject;
    if let Some(program) = &subject.program {
        page.entry("program", program.to_string());
    }
    if let Some(unit) = &subject.unit {
        page.entry("unit", unit.to_string());
    }
    if let Some((id, name)) = &subject.container {
        page.entry("container", format!("{name} ({id})"));
    }
    if let Some(address) = &subject.address {
        page.entry("address", address.to_string());
    }
    if let Some(path) = &subject.path {
        page.entry("path", path.to_string());
    }
    if let Some(name) = &subject.name {
        page.entry("name", name.to_string());
    }
    for id in subject.upstreams.iter().take(20) {
        page.entry("upstream", id.to_string());
    }
}

fn evidence(page: &mut Page, finding: &Finding) {
    let mut list = |heading: &str, mark: char, tone: Tone, all: &[Evidence]| {
        if !all.is_empty() {
            page.heading(heading);
        }
        for one in all {
            let origin = one.origin.to_string();
            page.blocks.push(Block::Event(mark, tone, one.at, one.what.clone(), origin));
        }
    };
    list("Evidence for it", '+', Tone::Good, &finding.evidence);
    list("Evidence against it", '-', Tone::Bad, &finding.against);
    if !finding.missing.is_empty() {
        page.heading("Missing");
    }
    for missing in &finding.missing {
        let origin = format!("{} is out of sight", missing.source);
        page.blocks.push(Block::Event('?', Tone::Warn, None, missing.what.clone(), origin));
    }
    if !finding.explains.is_empty() {
        page.section("It explains", finding.explains.join(", "));
    }
}

pub(super) fn outside(text: &str) -> Page {
    let mut page = Page::new("Outside this incident");
    page.text(Tone::Plain, text.to_owned());
    page.blocks.push(Block::Gap);
    page.text(
        Tone::Muted,
        "No upstream leads to it, or it happened too long before the first failure to have \
         caused it.",
    );
    page
}
