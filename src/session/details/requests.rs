//! The requests that failed, by what was asked for.

use crate::session::{
    Shown,
    figures::count,
    page::{Block, Page, Tone},
    requests,
};

/// Kinds listed.
const SHOWN: usize = 100;

pub(super) fn page(shown: &Shown<'_>) -> Page {
    let mut page = Page::new("Requests that failed");
    let from = requests::since(shown);
    let (all, failed) = shown.case.access.totals(None, from);
    page.entry("since", from.to_string());
    page.entry("failed", format!("{} of {} requests", count(failed), count(all)));
    let kinds = requests::kinds(shown);
    let kept = kinds.iter().map(|kind| kind.count).sum::<usize>();
    page.heading(format!("What was asked for, in the newest {kept} of them"));
    for kind in kinds.iter().take(SHOWN) {
        let entry = kind.newest;
        let mut told = Vec::new();
        if let Some(upstream) = &entry.upstream_addr {
            let status = entry.upstream_status.as_ref().map(|s| format!(" said {s}"));
            told.push(format!("upstream {upstream}{}", status.unwrap_or_default()));
        }
        if let Some(ms) = entry.request_ms {
            told.push(format!("the newest took {ms} ms"));
        }
        told.push(entry.log.to_string());
        let text = format!("{:>5}  {}", kind.count, requests::words(entry));
        page.blocks.push(Block::Event('·', Tone::Bad, Some(entry.at), text, told.join(", ")));
    }
    if kinds.len() > SHOWN {
        page.text(Tone::Muted, format!("and {} more", kinds.len() - SHOWN));
    }
    page
}
