//! Who did what, and what came of it.

use crate::session::{
    Model,
    page::{Block, Page, Tone},
};

/// Records shown, the newest.
const SHOWN: usize = 400;

pub(super) fn page(model: &Model) -> Page {
    let replayed = model.replay.is_some();
    let title = if replayed {
        "What was done by then, as the recording tells it"
    } else {
        "The audit, newest first"
    };
    let mut page = Page::new(title);
    let lines = match &model.audit {
        None => {
            page.text(Tone::Muted, "reading…");
            return page;
        }
        Some(Err(why)) => {
            page.toned("unreadable", Tone::Bad, why.clone());
            return page;
        }
        Some(Ok(lines)) => lines,
    };
    match lines.iter().position(|line| !line.intact) {
        _ if replayed => {
            let none = if lines.is_empty() { " Nothing was done by then." } else { "" };
            let text = format!("Nothing proves it: gatemedic audit on the host itself does.{none}");
            page.text(Tone::Muted, text);
        }
        Some(at) => {
            let number = lines.get(at).map_or(0, |line| line.sequence);
            let text = format!("✗ the chain is broken at record {number}: somebody changed it");
            page.text(Tone::Bad, text);
        }
        None if lines.is_empty() => page.text(Tone::Muted, "Nothing was done on this host yet."),
        None => {
            let text = format!("✓ the chain of {} records is whole", lines.len());
            page.text(Tone::Good, text);
        }
    }
    for line in lines.iter().rev().take(SHOWN) {
        let (mark, tone) = if line.intact { ('·', Tone::Muted) } else { ('✗', Tone::Bad) };
        let number = if line.sequence == 0 { "-".to_owned() } else { line.sequence.to_string() };
        let text = format!("{number:>4}  {}", line.what);
        let parts = [line.who.to_string(), line.result.to_string()];
        let told: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let who = told.join(": ");
        page.blocks.push(Block::Event(mark, tone, Some(line.at), text, who));
    }
    if lines.len() > SHOWN {
        page.text(Tone::Muted, format!("and {} older: gatemedic audit", lines.len() - SHOWN));
    }
    page
}
