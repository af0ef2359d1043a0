//! The requests that failed, by what was asked for.

use crate::{
    observation::{Triage, Wall},
    session::{
        Shown,
        figures::{count, percent},
        page::{Block, Page, Tone},
        requests,
    },
};

/// Kinds listed.
const SHOWN: usize = 100;

/// What the logs that were there already say.
fn before(page: &mut Page, triage: &Triage) {
    page.heading("In the logs of the last 24 hours");
    if let Some(episode) = &triage.episode {
        let words = |text: &str| format!("{text}, {} failed", count(episode.failures));
        let first = words("the first of an unusual number");
        page.blocks.push(Block::Event('·', Tone::Bad, Some(episode.first), first, String::new()));
        let peak = format!("at most {} a minute", count(episode.peak.into()));
        let minute = Wall::from_secs(episode.peak_minute.saturating_mul(60));
        page.blocks.push(Block::Event('·', Tone::Bad, Some(minute), peak, String::new()));
    } else {
        page.entry(
            "failed",
            format!("{} of {} requests", count(triage.failures), count(triage.requests)),
        );
    }
    if let Some(usual) = triage.usual {
        page.entry("usual", format!("{} a minute", count(usual.into())));
    }
    for (name, ranking) in [("upstreams", &triage.upstreams), ("asked for", &triage.urls)] {
        let all: u64 = ranking.top.iter().map(|one| one.in_episode).sum();
        for one in ranking.top.iter().filter(|one| one.in_episode > 0).take(5) {
            let share = percent(one.in_episode, all);
            page.entry(name, format!("{} ({share}) {}", count(one.in_episode), one.name));
        }
    }
    for note in triage.notes.iter().take(5) {
        page.text(Tone::Muted, note.to_string());
    }
}

pub(super) fn page(shown: &Shown<'_>) -> Page {
    let mut page = Page::new("Requests that failed");
    let from = requests::since(shown);
    let (all, failed) = shown.case.access.totals(None, from);
    page.entry("since", from.to_string());
    page.entry("failed", format!("{} of {} requests", count(failed), count(all)));
    if let Some(triage) = &shown.case.triage {
        before(&mut page, triage);
    }
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
