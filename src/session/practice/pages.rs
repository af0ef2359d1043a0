//! What the sheets of a game say.

use crate::{
    diagnosis::words::CauseText,
    session::{
        Model,
        page::{Block, Page, Tone},
    },
};

use super::{
    Practice, Sheet, Veil, score,
    score::{BOUGHT, HINT, WRONG, short},
};

/// The text of a sheet; none where nothing is practised.
pub(in crate::session) fn page(model: &Model, sheet: Sheet) -> Option<Page> {
    let practice = model.practice.as_deref()?;
    Some(match sheet {
        Sheet::Story => story(practice),
        Sheet::Panel => panel(model, practice),
        Sheet::Score => told(model, practice),
    })
}

fn story(practice: &Practice) -> Page {
    let task = &practice.task;
    let mut page = Page::new(format!("Practice, level {}", task.level));
    page.blocks.push(Block::Gap);
    page.text(Tone::Strong, task.title.clone());
    page.blocks.push(Block::Gap);
    for part in task.story.split("\n\n") {
        page.text(Tone::Plain, part.split_whitespace().collect::<Vec<_>>().join(" "));
        page.blocks.push(Block::Gap);
    }
    page.text(
        Tone::Muted,
        "Everything here is real and small: a gateway, what stands behind it, and clients that \
         ask. Nothing else on this machine is touched, and all of it goes when you leave.",
    );
    page.blocks.push(Block::Gap);
    page.toned(
        "Enter",
        Tone::Strong,
        "begin: look around, name the cause, repair it, see it proved",
    );
    page.entry("p", "while you look: the story, a hint, and where the cause is named");
    page
}

fn title(id: &str) -> String {
    CauseText::get(id).map_or_else(|| id.to_owned(), |text| format!("{} ({id})", text.title))
}

fn panel(model: &Model, practice: &Practice) -> Page {
    let task = &practice.task;
    let mut page = Page::new(format!("Practice: {}", task.title));
    answer(&mut page, practice);
    // The newest is what was asked for.
    for (at, hint) in practice.hints_taken().iter().enumerate().rev() {
        page.toned(format!("hint {}", at + 1), Tone::Accent, hint.clone());
    }
    if practice.hints > 0 {
        page.blocks.push(Block::Gap);
    }
    if practice.hides() {
        page.toned("c", Tone::Strong, format!("name the cause (a wrong one costs {WRONG})"));
        let left = task.hints.len().saturating_sub(practice.hints);
        if left > 0 {
            page.entry("h", format!("a hint (costs {HINT}; {left} left)"));
        }
        page.entry("s", format!("show the ranking (costs {BOUGHT})"));
    } else {
        page.toned("Esc", Tone::Strong, "back to the console: the footer names the repair");
        let left = task.hints.len().saturating_sub(practice.hints);
        if left > 0 {
            page.entry("h", format!("a hint (costs {HINT}; {left} left)"));
        }
    }
    page.heading("Where you are");
    page.entry("time", short(practice.secs(model.case.now.boot)));
    let traffic = practice.traffic;
    let tone = if traffic.in_a_row > 0 { Tone::Good } else { Tone::Bad };
    let need = task.in_a_row;
    let row = traffic.in_a_row.min(need);
    page.toned("requests", tone, format!("{row} of {need} answered in a row"));
    page.heading("Story");
    page.text(Tone::Plain, task.story.split_whitespace().collect::<Vec<_>>().join(" "));
    page
}

/// What came of the newest name.
fn answer(page: &mut Page, practice: &Practice) {
    let Some(named) = practice.named.last() else { return };
    if named.right {
        page.text(Tone::Good, format!("✓ Right: {}.", title(&named.cause)));
        if practice.task.accepted.len() > 1 {
            page.text(
                Tone::Muted,
                "There may be more than one name for it, or more than one fault.",
            );
        }
    } else {
        page.text(Tone::Bad, format!("✗ Not this: {}.", title(&named.cause)));
        if let Some(text) = CauseText::get(&named.cause) {
            page.text(Tone::Plain, format!("How to tell it: {}", text.tell_apart));
        }
    }
    page.blocks.push(Block::Gap);
}

fn told(model: &Model, practice: &Practice) -> Page {
    let task = &practice.task;
    let score = score(practice, &model.recovery.past);
    let mut page = Page::new(format!("Solved: {}", task.title));
    page.blocks.push(Block::Gap);
    page.text(Tone::Strong, format!("{} of 100 points: {}", score.points, score.words()));
    page.blocks.push(Block::Gap);
    for mark in &score.marks {
        let points = if mark.of > 0 {
            format!("{:>3} of {:<2}  {}", mark.got, mark.of, mark.why)
        } else {
            format!("{:>3}        {}", mark.got, mark.why)
        };
        let full = mark.of > 0 && i64::from(mark.got) >= i64::from(mark.of);
        page.toned(mark.what, if full { Tone::Good } else { Tone::Plain }, points);
    }
    if let Some(secs) = practice.solved_secs() {
        page.entry("solved in", short(secs));
    }
    // Where one thing was broken the further ones are other names for it.
    let several = task.repairs > 1;
    page.heading(if several { "The causes" } else { "The cause" });
    for (at, id) in task.accepted.iter().enumerate() {
        if at == 0 || several {
            page.text(Tone::Strong, title(id));
        } else {
            page.text(Tone::Muted, format!("also right: {}", title(id)));
        }
    }
    page.heading("What somebody with experience does");
    for (at, step) in task.senior.iter().enumerate() {
        page.entry(format!("{}.", at + 1), step.clone());
    }
    if !task.herrings.is_empty() {
        page.heading("What looked like it and was not");
    }
    for herring in &task.herrings {
        page.blocks.push(Block::Event('·', Tone::Muted, None, herring.clone(), String::new()));
    }
    page.heading("Again");
    page.text(Tone::Plain, task.command());
    page
}

/// What stays on the terminal when the console is gone.
pub fn parting(model: &Model) -> Option<String> {
    let practice = model.practice.as_deref()?;
    let task = &practice.task;
    Some(if practice.is_solved() {
        let points = score(practice, &model.recovery.past).points;
        format!(
            "practice: {}: solved, {points} of 100 points; again: {}",
            task.title,
            task.command()
        )
    } else {
        let seen =
            if practice.veil == Veil::Hidden { "the cause not named" } else { "not repaired" };
        format!("practice: {}: {seen} yet; again: {}", task.title, task.command())
    })
}
