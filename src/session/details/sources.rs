//! What can be seen, and what cannot.

use crate::{
    observation::SourceId,
    session::{
        Model, Shown,
        figures::{ago, count},
        page::{Page, Tone},
    },
};

/// The page with what is wrong with the settings behind it.
pub(super) fn page(model: &Model) -> Page {
    let mut page = sources(&model.shown());
    if let Some(axis) = model.replay.as_ref().filter(|axis| !axis.lost.words.is_empty()) {
        page.heading("The recording is not whole");
        page.text(Tone::Warn, axis.lost.words.clone());
    }
    if !model.notices.is_empty() {
        page.heading("Settings that are not used");
    }
    for notice in &model.notices {
        page.text(Tone::Warn, notice.clone());
    }
    match &model.recording {
        Some(Ok(file)) => {
            page.heading("Recording");
            page.text(Tone::Good, format!("this session is recorded in {file}"));
        }
        Some(Err(why)) => {
            page.heading("Recording");
            page.text(Tone::Warn, format!("paused: {why}"));
            page.text(Tone::Plain, "it goes on by itself when there is room again".to_owned());
        }
        None => {}
    }
    if let Some(notice) = &model.history.notice {
        page.heading("History");
        page.text(Tone::Warn, notice.to_string());
    }
    page
}

pub(super) fn sources(shown: &Shown<'_>) -> Page {
    let mut page = Page::new("What can be seen");
    let case = shown.case;
    let waiting = shown.waiting();
    let all: &[SourceId] = if shown.sources.is_empty() { &SourceId::ALL } else { shown.sources };
    for id in all {
        let blind = case.is_blind(*id);
        let (tone, state) = match case.heard.get(id) {
            None => (Tone::Warn, "has not answered yet".to_owned()),
            Some(_) if waiting.contains(id) => (Tone::Warn, "still looking".to_owned()),
            Some(at) if blind => {
                (Tone::Warn, format!("sees in part, heard {}", heard(shown, at.wall)))
            }
            Some(at) => (Tone::Good, format!("sees, heard {}", heard(shown, at.wall))),
        };
        page.toned(id.as_str(), tone, state);
    }
    if !case.blind.is_empty() {
        page.heading("Out of sight");
    }
    for spot in case.blind.values() {
        page.toned(spot.source.as_str(), Tone::Warn, format!("{}: {}", spot.what, spot.why));
        page.entry("hides", spot.hides.to_string());
        if !spot.grant.is_empty() {
            page.toned("to open it", Tone::Accent, spot.grant.to_string());
        }
    }
    if !case.gaps.is_empty() {
        page.heading("Lost on the way");
    }
    for gap in case.gaps.iter().map(|dated| &dated.value) {
        let lost = format!("{} lines, {} bytes", count(gap.lines), count(gap.bytes));
        page.entry(gap.source.as_str(), format!("{}: {lost}, {}", gap.what, gap.why));
    }
    page
}

fn heard(shown: &Shown<'_>, at: crate::observation::Wall) -> String {
    ago(at, shown.case.now.wall)
}
