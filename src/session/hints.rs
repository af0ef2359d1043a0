//! The few keys that the footer names now, and where each stands there.

use unicode_width::UnicodeWidthStr;

use super::{
    Model, Powers,
    keymap::{Command, Play, Scope},
    page::Tone,
    recovery::{Choice, Stage, best, label},
    replay::Ask,
};

/// Keys that are named at most.
const MOST: usize = 7;
/// Columns before the first, and between two.
const MARGIN: usize = 1;
const GAP: usize = 3;

/// A key of the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// How the key is written.
    pub key: String,
    /// What it does, in one word.
    pub words: String,
    /// What it does.
    pub command: Command,
    /// Whether a click may do it too: not what acts, leads to a question or answers one.
    pub clicks: bool,
    /// Columns before it.
    pub column: usize,
}

impl Hint {
    fn width(&self) -> usize {
        self.key.width() + 1 + self.words.width()
    }
}

/// What the footer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// The key of the one right repair, and what it does now; both empty where there is none.
    pub lead: (String, String),
    /// The keys that matter now.
    pub hints: Vec<Hint>,
    /// What the person should not forget, at the right edge; empty for nothing.
    pub reminder: (Tone, String),
}

/// The footer of a screen of so many columns.
pub fn footer(model: &Model, width: usize) -> Footer {
    let lead = game(model).unwrap_or_else(|| lead(model));
    let before = if lead.1.is_empty() { 0 } else { MARGIN + lead.0.width() + 1 + lead.1.width() };
    let mut reminder = reminder(model);
    let wide = reminder.1.width();
    let room = width.saturating_sub(if wide > 0 { wide + 2 } else { 0 });
    let mut hints = hints(model, before, room);
    // Keys are worth more than a reminder where both do not fit, but for what was just asked for.
    let alone = self::hints(model, before, width);
    if hints.len() < 2 && hints.len() < alone.len() && model.said.is_empty() {
        reminder = (Tone::Plain, String::new());
        hints = alone;
    }
    Footer { lead, hints, reminder }
}

/// What a game wants most; the repair only once its cause is no secret.
fn game(model: &Model) -> Option<(String, String)> {
    let practice = model.practice.as_deref()?;
    let command = Command::Play(Play::Panel);
    let key = model.keys.shown(model.scope(), model.powers, command)?;
    let words = if practice.is_solved() {
        "solved: the score"
    } else if practice.hides() && !model.recovery.is_acting() {
        "name the cause"
    } else {
        return None;
    };
    Some((key.to_owned(), words.to_owned()))
}

/// What the one key does now, in its own words; nothing where there is no repair.
pub(super) fn lead(model: &Model) -> (String, String) {
    let scope = model.scope();
    let key = model
        .keys
        .shown(scope, model.powers, Command::Repair)
        .filter(|_| scope != Scope::Wizard && model.powers >= Powers::Act);
    let Some(key) = key else { return Default::default() };
    let acting = model.recovery.run.as_ref().filter(|_| model.recovery.is_acting());
    let words = match (acting, best(model)) {
        (Some(run), _) => match run.stage() {
            Stage::Keeping => format!("keep? {} s left", run.keeping.unwrap_or(0)),
            Stage::Watching => format!("watching, {} s", run.secs),
            _ => "under way".to_owned(),
        },
        (None, Some(Choice::Plan(plan))) => label(plan),
        _ => return Default::default(),
    };
    (key.to_owned(), words)
}

fn reminder(model: &Model) -> (Tone, String) {
    let key = |command| {
        let here = model.keys.shown(model.scope(), model.powers, command);
        here.or_else(|| model.keys.shown(Scope::Panes, model.powers, command)).unwrap_or_default()
    };
    if !model.said.is_empty() {
        let tone = if model.said.starts_with('✗') { Tone::Bad } else { Tone::Accent };
        return (tone, format!("{} ", model.said));
    }
    if let Some((words, secs)) = model.waiting() {
        let mark = ["|", "/", "-", "\\"];
        let turn = usize::try_from(secs).unwrap_or(0) % mark.len();
        let mark = mark.get(turn).copied().unwrap_or_default();
        let secs = if secs > 0 { format!(", {secs} s") } else { String::new() };
        return (Tone::Accent, format!("{mark} {words}{secs} "));
    }
    if model.view.held.is_some() {
        let (waiting, key) = (model.lines_waiting(), key(Command::Pause));
        return (Tone::Warn, format!("held still, {waiting} log lines wait: {key} lets it run "));
    }
    if let Some(terminal) = model.unfinished.first() {
        let terminal = terminal.to_string();
        let name = terminal.trim_start_matches("/dev/");
        let text = format!("a console was killed; on {name}: stty sane; tput rmcup ");
        return (Tone::Warn, text);
    }
    if !model.broken_off.is_empty() && model.powers >= Powers::Act {
        return (Tone::Warn, format!("an edit was broken off: {} ", key(Command::Undo)));
    }
    if let Some(Err(why)) = &model.recording {
        return (Tone::Warn, format!("not recorded: {}: 0 ", short(why)));
    }
    match model.notices.len() {
        0 => {}
        1 => return (Tone::Warn, "1 setting is not used: 0 ".to_owned()),
        n => return (Tone::Warn, format!("{n} settings are not used: 0 ")),
    }
    if model.history.notice.is_some() {
        return (Tone::Warn, "the history is not whole: 0 ".to_owned());
    }
    match model.shown().case.blind.len() {
        0 => (Tone::Plain, String::new()),
        1 => (Tone::Warn, "1 thing out of sight: 0 ".to_owned()),
        n => (Tone::Warn, format!("{n} things out of sight: 0 ")),
    }
}

/// A reason without the path in front of it: the page has it whole.
fn short(why: &str) -> &str {
    why.rsplit(": ").next().unwrap_or(why)
}

/// The keys that matter most now and fit into so many columns, behind `before` columns of
/// something else.
fn hints(model: &Model, before: usize, room: usize) -> Vec<Hint> {
    let mut all: Vec<Hint> = model
        .keys
        .bindings(model.scope(), model.powers)
        .filter_map(|bound| {
            let binding = bound.binding;
            let follows = model.view.logs.is_following() && model.view.held.is_none();
            let plays = model.replay.as_ref().is_some_and(|axis| axis.playing);
            let words = match (binding.command, model.scope()) {
                (Command::Replay(Ask::Play), _) if plays => "pause",
                (Command::Pause, Scope::Logs) if !follows => "follow",
                _ => binding.short?,
            };
            let leads = binding.opens() || binding.answers();
            let clicks = !leads && !matches!(binding.command, Command::No | Command::Run);
            Some(Hint {
                key: bound.first().to_owned(),
                words: words.to_owned(),
                command: binding.command,
                clicks,
                column: 0,
            })
        })
        .collect();
    let start = if before > 0 { before + GAP } else { MARGIN };
    while !all.is_empty() && (all.len() > MOST || width(&all) + start > room) {
        let least = all.iter().enumerate().max_by_key(|(at, hint)| (rank(hint.command), *at));
        let Some(at) = least.map(|(at, _)| at) else { break };
        all.remove(at);
    }
    let mut column = start;
    for hint in &mut all {
        hint.column = column;
        column += hint.width() + GAP;
    }
    all
}

/// What is named last goes first where there is no room.
const fn rank(command: Command) -> u8 {
    match command {
        Command::Help
        | Command::Quit
        | Command::Back
        | Command::Yes
        | Command::No
        | Command::Keep
        | Command::Revert
        | Command::Run
        | Command::Play(_)
        | Command::Edit(_) => 0,
        Command::Palette => 2,
        Command::Search => 3,
        Command::NextPane => 4,
        Command::Zoom => 5,
        _ => 1,
    }
}

fn width(all: &[Hint]) -> usize {
    all.iter().map(|hint| hint.width() + GAP).sum::<usize>().saturating_sub(GAP)
}

/// The key that stands in this column of the footer.
pub fn hint_at(hints: &[Hint], column: usize) -> Option<&Hint> {
    hints.iter().find(|hint| (hint.column..hint.column + hint.width()).contains(&column))
}
