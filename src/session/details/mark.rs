//! Something on the timeline: the page of what it is about, or what is known of it.

use crate::session::{
    Shown,
    page::{Block, Page, Tone},
    timeline::{self, MarkKey},
};

use super::page as page_of;

pub(super) fn page(shown: &Shown<'_>, key: &MarkKey) -> Option<Page> {
    let mark = timeline::find(shown, key)?;
    if let Some(about) = &mark.about {
        return Some(page_of(shown, about));
    }
    let mut page = Page::new(mark.kind.word());
    page.text(Tone::Strong, mark.what.clone());
    page.blocks.push(Block::Gap);
    page.entry("when", mark.at.to_string());
    page.entry("read in", mark.source);
    let past = shown.past.iter().find(|past| past.at == mark.at);
    if let Some(past) = past {
        page.entry("why", past.plan.why.clone());
        page.entry("came of it", past.words());
        for step in &past.plan.steps {
            for command in step.commands() {
                page.entry("as by hand", command.join(" "));
            }
        }
    }
    Some(page)
}
