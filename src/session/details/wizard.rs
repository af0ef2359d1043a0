//! The wizard: the steps on one side, the present one on the other.

use crate::{
    remedy::{How, Standing, Step, Wizard, filled, look::State, spoken},
    session::{
        Model, Powers,
        page::{Block, Page, Tone},
        recovery::label,
    },
    verification::Verdict,
};

/// Mark and tone of how a step was closed.
const fn mark(how: &How) -> (&'static str, Tone) {
    match how {
        How::Good | How::Done(Verdict::Fixed) => ("✓", Tone::Good),
        How::Bad => ("✗", Tone::Bad),
        How::Done(Verdict::Improved | Verdict::CannotTell) | How::Unknown => ("?", Tone::Warn),
        How::Done(_) => ("✗", Tone::Warn),
        How::NotApplicable => ("–", Tone::Muted),
        How::Skipped(_) => ("»", Tone::Muted),
    }
}

/// Each step as mark, number and title, and the index of the present one.
pub fn wizard_steps(model: &Model) -> (Vec<[(Tone, String); 2]>, usize) {
    let Some((wizard, (book, here))) =
        model.wizard.as_ref().and_then(|w| Some((w, w.here(model.playbooks)?)))
    else {
        return (Vec::new(), 0);
    };
    let at = book.steps.iter().position(|step| step.id == here.id).unwrap_or(0);
    let rows = book.steps.iter().enumerate().map(|(n, step)| {
        let present = n == at && !wizard.over;
        let closed = wizard.closing(&book.id, &step.id).filter(|_| !present);
        let (symbol, tone) = closed.map_or(("·", Tone::Muted), |closed| mark(&closed.how));
        let (symbol, tone) = if present { ("▸", Tone::Accent) } else { (symbol, tone) };
        let text = if present { Tone::Strong } else { Tone::Plain };
        [(tone, symbol.to_owned()), (text, format!("{}. {}", n + 1, step.title))]
    });
    (rows.collect(), at)
}

/// The present step.
pub(super) fn page(model: &Model) -> Page {
    let Some(wizard) = model.wizard.as_ref() else { return Page::new("Wizard") };
    let Some((book, step)) = wizard.here(model.playbooks) else { return Page::new("Wizard") };
    let at = book.steps.iter().position(|other| other.id == step.id).unwrap_or(0) + 1;
    let (of, depth) = (book.steps.len(), wizard.depth.as_str());
    let mut page = Page::new(format!("{at}/{of} {}  ({depth})", book.title));
    if wizard.over {
        over(&mut page, model);
        return page;
    }
    let (mark, tone, _) = stands(model);
    page.blocks.push(Block::Event(mark, tone, None, step.title.clone(), String::new()));
    if !model.wizard_said.is_empty() {
        page.text(Tone::Warn, model.wizard_said);
    }
    page.blocks.push(Block::Gap);
    page.text(Tone::Plain, wizard.depth.words(step));
    standing(&mut page, model, step);
    let shown = command(model, wizard, step);
    if !shown.is_empty() {
        page.heading("By hand");
        for line in shown {
            page.text(Tone::Accent, line);
        }
    }
    if wizard.depth != crate::remedy::Depth::Expert {
        page.section("Why this is next", step.why.clone());
    }
    if !model.playbook_flaws.is_empty() {
        page.heading("Playbooks that were left out");
    }
    for flaw in &model.playbook_flaws {
        page.blocks.push(Block::Quote(Tone::Warn, flaw.clone()));
    }
    page
}

/// Mark, tone and word of what the present step sees.
const fn stands(model: &Model) -> (char, Tone, &'static str) {
    match &model.standing {
        Some(Standing::Look(seen)) => match seen.state {
            State::Good => ('✓', Tone::Good, "in order"),
            State::Bad => ('✗', Tone::Bad, "out of order"),
            State::Unknown => ('?', Tone::Warn, "cannot be seen from here"),
            State::NotApplicable => ('–', Tone::Muted, "nothing to judge here"),
        },
        Some(Standing::Act(_)) => ('▶', Tone::Accent, "something can be done"),
        Some(Standing::Gone) => ('✓', Tone::Good, "no longer needed"),
        Some(Standing::Nothing(_)) | None => ('–', Tone::Muted, "nothing to do"),
    }
}

fn standing(page: &mut Page, model: &Model, step: &Step) {
    match &model.standing {
        Some(Standing::Look(seen)) => {
            let (mark, tone, word) = stands(model);
            page.heading(format!("Found: {mark} {word}"));
            for line in &seen.found {
                page.blocks.push(Block::Told(Tone::Plain, line.clone()));
            }
            if step.by_hand && seen.state != State::Good {
                page.text(tone, "It closes when this is found in order.");
            }
            if let Some(plan) = seen.acts.first().filter(|_| model.powers == Powers::Act) {
                page.entry("r", label(plan));
            }
        }
        Some(Standing::Act(plan)) => {
            page.heading("What is done");
            page.blocks.push(Block::Quote(Tone::Strong, plan.words()));
            let asks = if model.powers == Powers::Act {
                "Enter checks it, shows everything, and asks."
            } else {
                "This session only looks: the commands are below."
            };
            page.text(Tone::Muted, asks);
        }
        Some(Standing::Gone) => {
            page.heading("Found: ✓ no longer needed");
            page.text(Tone::Plain, "The cause is no longer seen: somebody or something cured it.");
        }
        Some(Standing::Nothing(why)) => {
            page.heading("Nothing to do");
            page.blocks.push(Block::Quote(Tone::Plain, why.clone()));
        }
        None => {}
    }
}

/// The commands that do the same by hand.
fn command(model: &Model, wizard: &Wizard, step: &Step) -> Vec<String> {
    let finding = wizard.finding(&model.diagnosis);
    let own = |o: &&crate::remedy::Offer| o.cause == wizard.cause && o.whom == wizard.whom;
    let offer = model.offers.iter().find(own);
    let fill = |words: &[String]| {
        let all: Vec<String> = words.iter().map(|word| filled(word, finding, offer)).collect();
        spoken(&all)
    };
    match &model.standing {
        Some(Standing::Act(plan)) => {
            let mut all = Vec::new();
            for step in &plan.steps {
                let commands = step.commands();
                let edit = commands.is_empty().then(|| format!("in an editor: {}", step.words()));
                all.extend(commands.iter().map(|words| fill(words)).chain(edit));
            }
            all
        }
        Some(Standing::Look(seen)) => {
            let measured = seen.command.as_ref().map(|words| fill(words));
            let shown = (!step.show.is_empty()).then(|| fill(&step.show));
            let mut all: Vec<String> = shown.into_iter().chain(measured).collect();
            all.dedup();
            all
        }
        _ => Vec::new(),
    }
}

fn over(page: &mut Page, model: &Model) {
    page.text(Tone::Strong, "That was the last step.");
    page.blocks.push(Block::Gap);
    match model.diagnosis.findings.first() {
        Some(finding) => {
            page.text(Tone::Warn, format!("Still seen: {}", finding.summary));
            page.text(Tone::Plain, "S makes a text for somebody senior; c begins the checklist.");
        }
        None => page.text(Tone::Good, "No cause is named any more."),
    }
    page.heading("What came of it");
    for closed in model.wizard.iter().flat_map(|wizard| &wizard.closed) {
        let (mark, tone) = mark(&closed.how);
        let step = model.playbooks.get(&closed.book).and_then(|book| book.step(&closed.step));
        let title = step.map_or("a step that is gone", |step| step.title.as_str());
        let text = format!("{title}: {}", closed.how.words());
        let mark = mark.chars().next().unwrap_or('·');
        page.blocks.push(Block::Event(mark, tone, Some(closed.at), text, String::new()));
    }
}

/// The text for somebody senior.
pub(super) fn senior(model: &Model) -> Page {
    let mut page = Page::new("For somebody senior: copy this");
    for line in model.senior() {
        page.text(Tone::Plain, line);
    }
    page
}
