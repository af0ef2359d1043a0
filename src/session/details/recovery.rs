//! A repair: what is asked, what is under way, what came of it, or why nothing is done.

use crate::{
    remedy::{Action, Check, Ending, Plan, Regard, spoken},
    session::{
        Model,
        page::{Block, Page, Tone},
        recovery::{Arming, Choice, Purpose, Run, Stage, StepState, best, label},
    },
    verification::{Judged, Outcome, Verdict},
};

/// Sites named before the rest is only counted.
const SITES: usize = 6;

/// The question, with everything that somebody should know before a yes.
pub(super) fn confirm(run: &Run) -> Page {
    let title = match run.stage() {
        Stage::Refused => "Not done",
        _ if run.purpose == Purpose::Rehearsal => "Dry run: nothing is done",
        _ if run.purpose == Purpose::Undo => "Take this back?",
        _ => "Shall this be done?",
    };
    let mut page = Page::new(title);
    page.text(Tone::Strong, run.words());
    page.blocks.push(Block::Gap);
    if let Some((why, by_hand)) = &run.refusal {
        page.toned("refused", Tone::Bad, why.clone());
        hand(&mut page, by_hand);
        checks(&mut page, run);
        return page;
    }
    if let Some((who, since)) = &run.busy {
        page.toned("meanwhile", Tone::Warn, format!("{who}, since {since}"));
    }
    if run.purpose == Purpose::Undo {
        page.entry("why then", run.plan.why.clone());
        page.entry("now", "what it changed is put back as it was, and whoever uses it is told");
        page.entry("kept", "what was taken back stays in the audit; it can be done again");
        checks(&mut page, run);
    } else {
        about(&mut page, &run.plan);
        checks(&mut page, run);
        promise(&mut page, &run.plan);
    }
    for (file, lines) in &run.diffs {
        page.heading(format!("What changes in {file}"));
        for line in lines {
            let text = line.to_string();
            let tone = match text.chars().next() {
                Some('+') => Tone::Good,
                Some('-') => Tone::Bad,
                _ => Tone::Muted,
            };
            page.blocks.push(Block::Quote(tone, text));
        }
    }
    page
}

fn about(page: &mut Page, plan: &Plan) {
    page.entry("why", plan.why.clone());
    let mut label = "by hand";
    for step in &plan.steps {
        let commands = step.commands();
        let edit = commands.is_empty().then(|| format!("in an editor: {}", step.words()));
        for line in commands.iter().map(|command| spoken(command)).chain(edit) {
            page.entry(label, line);
            label = "";
        }
    }
    let mut risks: Vec<&str> = plan.steps.iter().map(Action::risk).collect();
    if risks.iter().any(|risk| !risk.starts_with("none")) {
        risks.retain(|risk| !risk.starts_with("none"));
    }
    risks.dedup();
    page.entry("risk", risks.join("; "));
    let undo = if plan.rolls_back() {
        "it is taken back by itself when the promise breaks or nobody says keep"
    } else if plan.reversible() {
        "u takes it back"
    } else {
        "it cannot be taken back"
    };
    page.entry("way back", undo);
    let sites = &plan.blast.sites;
    let named: Vec<&str> = sites.iter().take(SITES).map(String::as_str).collect();
    let more = sites.len().saturating_sub(named.len());
    match (named.is_empty(), more) {
        (true, _) => page.entry("touches", "nothing that works now"),
        (false, 0) => page.toned("interrupts", Tone::Warn, named.join(", ")),
        (false, more) => {
            page.toned("interrupts", Tone::Warn, format!("{} and {more} more", named.join(", ")));
        }
    }
}

const fn mark(regard: Regard) -> (char, Tone) {
    match regard {
        Regard::Clear => ('✓', Tone::Good),
        Regard::Note | Regard::Typed => ('!', Tone::Warn),
        Regard::Refused => ('✗', Tone::Bad),
    }
}

fn checks(page: &mut Page, run: &Run) {
    let done = run.stage() != Stage::Preparing;
    let guards = run.plan.guards();
    let open = if run.purpose == Purpose::Undo { Vec::new() } else { guards };
    let open = open.into_iter().filter(|guard| run.checks.iter().all(|c| c.guard != *guard));
    let open: Vec<_> = open.filter(|_| !done).collect();
    if run.checks.is_empty() && open.is_empty() {
        return;
    }
    page.heading("Looked at before");
    // What stands against it is read first.
    let mut seen: Vec<&Check> = run.checks.iter().collect();
    seen.sort_by_key(|check| std::cmp::Reverse(check.regard));
    for check in seen {
        let (mark, tone) = mark(check.regard);
        let text = format!("{}: {}", check.guard.words(), check.words);
        page.blocks.push(Block::Event(mark, tone, None, text, String::new()));
    }
    for guard in open {
        let text = format!("{}: looking", guard.words());
        page.blocks.push(Block::Event('…', Tone::Muted, None, text, String::new()));
    }
}

fn promise(page: &mut Page, plan: &Plan) {
    let expect = &plan.expect;
    let words = expect.words();
    if words.is_empty() {
        return;
    }
    page.heading(format!("Promised {}", expect.span()));
    for word in words {
        page.blocks.push(Block::Event('·', Tone::Muted, None, word, String::new()));
    }
}

fn hand(page: &mut Page, by_hand: &[String]) {
    if by_hand.is_empty() {
        return;
    }
    page.heading("By hand");
    for (at, step) in by_hand.iter().enumerate() {
        let number = u32::try_from(at + 1).ok().and_then(|n| char::from_digit(n, 10));
        let mark = number.unwrap_or('·');
        page.blocks.push(Block::Event(mark, Tone::Accent, None, step.clone(), String::new()));
    }
}

/// The line below the question: what the keys do now.
pub fn asked(run: &Run) -> Vec<(Tone, String)> {
    let say = |tone, text: &str| (tone, text.to_owned());
    match run.stage() {
        Stage::Preparing => vec![say(Tone::Accent, "… looking whether it can be done")],
        Stage::Refused => vec![say(Tone::Bad, "✗ not done"), say(Tone::Muted, "   Esc = close")],
        Stage::Rehearsed => vec![
            say(Tone::Good, "✓ a dry run"),
            say(Tone::Muted, "   nothing was done   Esc = close"),
        ],
        Stage::Asking => question(run),
        _ => Vec::new(),
    }
}

fn question(run: &Run) -> Vec<(Tone, String)> {
    let say = |tone, text: &str| (tone, text.to_owned());
    let Some(question) = &run.question else { return Vec::new() };
    if let Some(name) = &question.type_name {
        return vec![
            say(Tone::Strong, &format!("type {name} and Enter: ")),
            say(Tone::Accent, &format!("{}_", question.typed)),
            say(Tone::Muted, "   Esc = no"),
        ];
    }
    if question.arming != Arming::Armed {
        return vec![say(Tone::Muted, "read it first …"), say(Tone::Muted, "   Esc = no")];
    }
    vec![say(Tone::Strong, "y = do it"), say(Tone::Muted, "   any other key = no")]
}

/// A repair under way or over.
pub(super) fn run(model: &Model, run: &Run) -> Page {
    let back = if run.purpose == Purpose::Undo { "take back: " } else { "" };
    let mut page = Page::new(format!("{back}{}", label(&run.plan)));
    let (tone, state) = state(run);
    page.text(tone, state);
    next(&mut page, model, run);
    page.heading("Steps");
    let undone = run.purpose == Purpose::Undo;
    // What is put back may take fewer steps than what was done.
    let steps = run.plan.steps.iter().zip(&run.steps);
    for (step, state) in steps.filter(|(_, state)| !undone || **state != StepState::Waits) {
        let (mark, tone, said) = match state {
            StepState::Waits => ('·', Tone::Muted, String::new()),
            StepState::Begun => ('…', Tone::Accent, String::new()),
            StepState::Done(said) => ('✓', Tone::Good, said.clone()),
        };
        page.blocks.push(Block::Event(mark, tone, None, step.words(), said));
    }
    match &run.judgement {
        Some(judgement) => {
            page.heading("What was promised");
            for judged in &judgement.promises {
                let (mark, tone, why) = outcome(judged);
                let text = judged.promise.clone();
                page.blocks.push(Block::Event(mark, tone, None, text, why));
            }
        }
        None if run.purpose == Purpose::Undo => {}
        None => promise(&mut page, &run.plan),
    }
    if run.sequence.is_some() || run.captured.is_some() {
        page.heading("Kept");
    }
    if let Some(sequence) = run.sequence {
        page.entry("record", format!("{sequence} in the audit (A)"));
    }
    if let Some(folder) = &run.captured {
        page.entry("evidence", folder.to_string());
    }
    page
}

fn outcome(judged: &Judged) -> (char, Tone, String) {
    match &judged.outcome {
        Outcome::Holds => ('✓', Tone::Good, String::new()),
        Outcome::Waits(why) => ('…', Tone::Accent, why.clone()),
        Outcome::Fails(why) => ('✗', Tone::Bad, why.clone()),
        Outcome::Unseen(why) => ('?', Tone::Warn, why.clone()),
    }
}

/// The state in one line: symbol, word and figures.
fn state(run: &Run) -> (Tone, String) {
    if let Some((why, _)) = &run.needs_human {
        return (Tone::Bad, format!("✗ NEEDS A PERSON   {why}"));
    }
    if let Some((why, _)) = &run.rolled_back {
        return (Tone::Warn, format!("◐ TAKEN BACK   {why}"));
    }
    let secs = run.secs;
    if let Some(verdict) = run.verdict {
        let told = match run.ending {
            None if run.keeping.is_some() && !run.decided => "not kept yet",
            None => "finishing",
            Some(_) => "",
        };
        let (tone, word) = match verdict {
            Verdict::Fixed => (Tone::Good, "✓ FIXED"),
            Verdict::Improved => (Tone::Warn, "◐ IMPROVED"),
            Verdict::NotFixed => (Tone::Bad, "✗ NOT FIXED"),
            Verdict::Worse => (Tone::Bad, "✗ WORSE"),
            Verdict::CannotTell => (Tone::Warn, "? CANNOT TELL"),
        };
        return (tone, format!("{word}   after {secs} s   {told}").trim_end().to_owned());
    }
    if let Some(judgement) = &run.judgement {
        let need = run.plan.expect.stable_secs;
        let holds = match judgement.holding_secs {
            Some(held) => format!("everything holds since {held} s of {need} s"),
            None => "waiting for what was promised".to_owned(),
        };
        return (Tone::Accent, format!("… WATCHING   {secs} s   {holds}"));
    }
    let begun = run.steps.iter().position(|step| *step == StepState::Begun);
    let all = run.steps.len();
    match (run.ending, begun) {
        (Some(ending), _) => (Tone::Warn, ended(ending).to_owned()),
        (None, Some(at)) => (Tone::Accent, format!("… DOING STEP {} OF {all}", at + 1)),
        (None, None) => (Tone::Accent, "… BEGINNING   writing it down, saving evidence".to_owned()),
    }
}

const fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Rehearsed => "a dry run: nothing was done",
        Ending::Refused => "✗ REFUSED",
        Ending::Verified => "✓ FIXED",
        Ending::NotFixed => "✗ NOT FIXED",
        Ending::CannotTell => "? CANNOT TELL",
        Ending::RolledBack => "◐ TAKEN BACK",
        Ending::NeedsHuman => "✗ NEEDS A PERSON",
    }
}

/// What the person can do now.
fn next(page: &mut Page, model: &Model, run: &Run) {
    if let Some((_, by_hand)) = &run.needs_human {
        hand(page, by_hand);
        return;
    }
    if let Some((_, verdict)) = &run.rolled_back {
        let text = match verdict {
            Verdict::Fixed | Verdict::Improved => "the old state is back and answers as before",
            Verdict::CannotTell => "the old state is back; whether it answers cannot be seen",
            Verdict::NotFixed | Verdict::Worse => {
                "the old state is back, and it does not answer as before: look at the causes"
            }
        };
        page.text(Tone::Plain, text);
    }
    if let (Some(secs), false, None) = (run.keeping, run.decided, run.ending) {
        let text =
            format!("It is taken back in {secs} s by itself: k keeps it, u takes it back now.");
        page.text(Tone::Warn, text);
        return;
    }
    if run.ending.is_none() {
        return;
    }
    let failed = matches!(run.verdict, Some(Verdict::NotFixed | Verdict::Worse))
        || run.rolled_back.is_some();
    match best(model) {
        Some(Choice::Plan(plan)) if failed => {
            page.entry("next", format!("r: {}", label(plan)));
        }
        Some(Choice::Refusal(..) | Choice::Exhausted(_)) if failed => {
            page.entry("next", "r: why nothing more is done, and what to do by hand");
        }
        _ if run.verdict == Some(Verdict::Fixed) => {
            page.entry("next", "w: what keeps it from coming back");
        }
        _ => {}
    }
}

/// Why nothing is done about a finding.
pub(super) fn refusal(model: &Model, cause: &str, whom: &str) -> Page {
    let mut page = Page::new("Nothing is done here at one key");
    let offer = model.offers.iter().find(|offer| offer.cause == cause && offer.whom == whom);
    let finding =
        model.diagnosis.findings.iter().find(|f| f.cause == cause && f.subject.whom() == whom);
    let Some((offer, finding)) = offer.zip(finding) else {
        page.text(Tone::Muted, "This finding is no longer there.");
        return page;
    };
    page.text(Tone::Strong, finding.summary.clone());
    page.blocks.push(Block::Gap);
    match &offer.refusal {
        Some(refusal) if offer.plans.is_empty() => {
            page.toned("why not", Tone::Warn, refusal.why.clone());
            hand(&mut page, &refusal.by_hand);
        }
        _ => {
            let why = "everything that could be done here was tried and did not help";
            page.toned("why not", Tone::Warn, why);
            let text = crate::diagnosis::words::CauseText::get(cause);
            let steps = text.map(|t| vec![t.next_check.clone(), t.fix.clone()]);
            hand(&mut page, &steps.unwrap_or_default());
        }
    }
    let tried = model.recovery.past.iter().rev();
    let tried: Vec<_> =
        tried.filter(|p| p.plan.cause == cause && p.plan.whom == whom).take(8).collect();
    if !tried.is_empty() {
        page.heading("Tried");
    }
    for past in tried {
        let mark = if past.failed() { '✗' } else { '·' };
        let text = format!("{}: {}", past.plan.words(), past.words());
        page.blocks.push(Block::Event(mark, Tone::Muted, Some(past.at), text, String::new()));
    }
    page
}
