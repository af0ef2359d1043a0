//! Log lines of one kind: what they mean, the newest one whole, and the ones before it.

use crate::{
    evidence::SignatureId,
    observation::{Address, Program},
    session::{
        Shown,
        figures::count,
        page::{Block, Page, Tone},
    },
};

/// Lines listed.
const SHOWN: usize = 40;

pub(super) fn page(
    shown: &Shown<'_>,
    id: SignatureId,
    to: Option<&Address>,
    who: Program,
) -> Option<Page> {
    let fold = shown.case.logs.folds.get(&(id, to.cloned(), who))?;
    let mut page = Page::new(format!("{who}: {id}"));
    page.entry("lines", count(fold.count));
    page.entry("first", fold.first.to_string());
    page.entry("last", fold.last.to_string());
    if let Some(address) = to {
        page.entry("upstream", address.to_string());
    }
    page.entry("read in", fold.origin.to_string());
    if let Some(info) = id.info() {
        page.section("It means", info.meaning.clone());
        if let Some(sees) = &info.client_sees {
            page.entry("client sees", sees.clone());
        }
        page.section("Usually", info.usually.clone());
        page.section("Look at", info.look.clone());
    }
    page.heading("The newest line, whole");
    page.blocks.push(Block::Log(None, Tone::Plain, fold.sample.to_string()));
    let same = |f: &&crate::evidence::LogFact| {
        f.signature == id && f.program == who && f.address.as_ref() == to
    };
    for (at, fact) in
        shown.case.logs.facts.iter().rev().filter(same).skip(1).take(SHOWN).enumerate()
    {
        if at == 0 {
            page.heading("Lines before it, newest first");
        }
        page.blocks.push(Block::Log(Some(fact.at), Tone::Muted, fact.text.to_string()));
    }
    Some(page)
}
