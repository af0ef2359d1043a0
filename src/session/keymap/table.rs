//! The table of all keys.

use crate::session::{KeyCode, Pane, Place, kiosk::Turn, recovery::Powers, replay::Ask};

use super::{
    Binding, Command, Edit, Log, Play, Scope, Step,
    binding::{acts, bind, char, ctrl, key, lives, often, replays},
    scope::{
        ABOUT, ARROWS, EVERYWHERE, HELPED, INPUT, LAYERS, LISTS, LOGS, MOVES, PANES, PLAYED, ROWS,
        TIMES, TIMES_BUT_LOGS, TURNS, TYPED, VIEWS,
    },
};

/// Every key that does something, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    bind(
        &[char('p')],
        "p",
        PLAYED,
        Command::Play(Play::Panel),
        "practice: the story, a hint, name the cause; at the end the score",
    ),
    often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[&[Scope::Story]],
            Command::Play(Play::Begin),
            "begin",
        ),
        "begin",
    ),
    often(
        bind(
            &[char('c')],
            "c",
            &[&[Scope::Panel]],
            Command::Play(Play::Name),
            "name the cause: choose it from a list",
        ),
        "name the cause",
    ),
    often(
        bind(
            &[char('h')],
            "h",
            &[&[Scope::Panel]],
            Command::Play(Play::Hint),
            "a hint; it costs a little",
        ),
        "hint",
    ),
    often(
        bind(
            &[char('s')],
            "s",
            &[&[Scope::Panel]],
            Command::Play(Play::Reveal),
            "show the ranking; it costs more",
        ),
        "show the ranking",
    ),
    often(
        bind(
            &[char('n'), key(KeyCode::Enter)],
            "n  Enter",
            &[&[Scope::Score]],
            Command::Play(Play::Next),
            "the next incident",
        ),
        "next",
    ),
    often(
        bind(
            &[char('a')],
            "a",
            &[&[Scope::Score]],
            Command::Play(Play::Again),
            "the same one again",
        ),
        "again",
    ),
    often(
        bind(&[key(KeyCode::Esc)], "Esc", &[&[Scope::Score]], Command::Back, "look around"),
        "look around",
    ),
    often(
        bind(
            &[char('q')],
            "q",
            &[&[Scope::Story, Scope::Score]],
            Command::Quit,
            "leave; nothing is left behind",
        ),
        "leave",
    ),
    acts(bind(
        &[char('r')],
        "r",
        LISTS,
        Command::Repair,
        "do the one right thing now: the footer says what; it asks first",
    )),
    replays(often(
        bind(
            &[char(' ')],
            "Space",
            TIMES,
            Command::Replay(Ask::Play),
            "play the recording, or pause",
        ),
        "play",
    )),
    replays(often(
        bind(
            &[char(']')],
            "]",
            TIMES,
            Command::Replay(Ask::Next),
            "on to the next thing that was seen and told something new",
        ),
        "step",
    )),
    replays(bind(
        &[char('[')],
        "[",
        TIMES,
        Command::Replay(Ask::Previous),
        "back to the one before",
    )),
    replays(often(
        bind(
            &[char('}')],
            "}",
            TIMES,
            Command::Replay(Ask::NextChange),
            "on to the next change of the diagnosis",
        ),
        "change",
    )),
    replays(bind(
        &[char('{')],
        "{",
        TIMES,
        Command::Replay(Ask::PreviousChange),
        "back to the change before",
    )),
    replays(often(
        bind(
            &[char('F')],
            "F",
            TIMES,
            Command::Replay(Ask::FirstFailure),
            "to where requests are first seen to fail",
        ),
        "first failure",
    )),
    replays(often(
        bind(&[char('>')], ">", TIMES, Command::Replay(Ask::Faster), "faster, up to ×100"),
        "faster",
    )),
    replays(bind(&[char('<')], "<", TIMES, Command::Replay(Ask::Slower), "slower, down to ×¼")),
    replays(bind(&[key(KeyCode::Right)], "Right", TIMES, Command::Replay(Ask::Forward), "10 s on")),
    replays(bind(&[key(KeyCode::Left)], "Left", TIMES, Command::Replay(Ask::Back), "10 s back")),
    replays(bind(&[char('T')], "T", LOGS, Command::Replay(Ask::Time), "to a time")),
    replays(bind(&[char('t')], "t", TIMES_BUT_LOGS, Command::Replay(Ask::Time), "to a time")),
    replays(bind(&[char('^')], "^", TIMES, Command::Replay(Ask::Start), "to the beginning")),
    replays(bind(&[char('$')], "$", TIMES, Command::Replay(Ask::End), "to the end")),
    lives(often(
        bind(&[char(' ')], "Space", LOGS, Command::Pause, "pause, or follow the newest line"),
        "pause",
    )),
    often(
        bind(&[char('/')], "/", LOGS, Command::Search, "look for a regular expression"),
        "search",
    ),
    often(
        bind(
            &[char('+'), char('&')],
            "+  &",
            LOGS,
            Command::Log(Log::FilterIn),
            "show only lines with a regular expression",
        ),
        "filter",
    ),
    bind(
        &[char('-')],
        "-",
        LOGS,
        Command::Log(Log::FilterOut),
        "hide lines with a regular expression",
    ),
    bind(&[char('x')], "x", LOGS, Command::Log(Log::DropFilter), "remove the newest filter"),
    often(
        bind(
            &[char('e')],
            "e",
            LOGS,
            Command::Log(Log::NextError),
            "next error: a line of level error or worse, or a failed request",
        ),
        "error",
    ),
    bind(&[char('E')], "E", LOGS, Command::Log(Log::PreviousError), "error before"),
    often(
        bind(
            &[char('z')],
            "z",
            LOGS,
            Command::Log(Log::Fold),
            "lines that repeat within ten seconds as one row, or each line",
        ),
        "fold",
    ),
    bind(&[char('t')], "t", LOGS, Command::Log(Log::Time), "go to a time"),
    bind(&[char('f')], "f", LOGS, Command::Log(Log::Follow), "follow the newest line, as G"),
    bind(&[char('b')], "b", LOGS, Command::Log(Log::Mark), "bookmark this line, or not"),
    bind(&[char('\'')], "'", LOGS, Command::Log(Log::NextMark), "next bookmark"),
    bind(&[char('"')], "\"", LOGS, Command::Log(Log::PreviousMark), "bookmark before"),
    bind(
        &[char('c')],
        "c",
        LOGS,
        Command::Log(Log::Copy),
        "copy the bookmarked lines, or this one, to your terminal's clipboard",
    ),
    often(bind(&[key(KeyCode::Enter)], "Enter", LOGS, Command::Open, "this line, whole"), "open"),
    acts(often(
        bind(&[char('a')], "a", LISTS, Command::Actions, "everything that can be done"),
        "actions",
    )),
    often(bind(&[char('w')], "w", LISTS, Command::Wizard, "the wizard: step by step"), "wizard"),
    acts(bind(
        &[char('d')],
        "d",
        LISTS,
        Command::Rehearse,
        "dry run: what r would do, without doing it",
    )),
    acts(bind(&[char('u')], "u", VIEWS, Command::Undo, "take the last repair back; it asks first")),
    bind(&[char('A')], "A", LISTS, Command::Audit, "the audit: who did what, and what came of it"),
    often(
        bind(&[key(KeyCode::Enter)], "Enter", ROWS, Command::Open, "details of the selected row"),
        "details",
    ),
    often(bind(&[key(KeyCode::Tab)], "Tab", PANES, Command::NextPane, "next pane"), "pane"),
    bind(&[key(KeyCode::BackTab)], "Shift-Tab", PANES, Command::PreviousPane, "pane before"),
    bind(&[char('1')], "1", TURNS, Command::Show(Place::Overview), "overview: everything at once"),
    bind(&[char('2')], "2", TURNS, Command::Show(Place::Chain), "chain: the way of a request"),
    bind(&[char('3')], "3", TURNS, Command::Show(Place::Causes), "causes: for, against, missing"),
    bind(&[char('4')], "4", TURNS, Command::Show(Place::Logs), "logs: all of them in one order"),
    bind(&[char('5')], "5", TURNS, Command::Show(Place::Timeline), "timeline: what happened when"),
    bind(&[char('6')], "6", TURNS, Command::Show(Place::Memory), "memory, limits and memory kills"),
    bind(&[char('7')], "7", TURNS, Command::Show(Place::Units), "units and containers"),
    bind(&[char('8')], "8", TURNS, Command::Show(Place::Recovery), "recovery: the wizard, as w"),
    bind(&[char('9')], "9", TURNS, Command::Show(Place::Audit), "audit: who did what, as A"),
    bind(&[char('0')], "0", TURNS, Command::Sources, "what can be seen, and what cannot"),
    lives(bind(&[char('>')], ">", TURNS, Command::NextView, "next view")),
    lives(bind(&[char('<')], "<", TURNS, Command::PreviousView, "view before")),
    bind(&[char('e')], "e", PANES, Command::Focus(Pane::Errors), "errors in the logs"),
    bind(
        &[char('j'), key(KeyCode::Down)],
        "j  Down",
        MOVES,
        Command::Move(Step::Down),
        "one line down",
    ),
    bind(&[char('k'), key(KeyCode::Up)], "k  Up", MOVES, Command::Move(Step::Up), "one line up"),
    bind(&[ctrl('d')], "Ctrl-d", MOVES, Command::Move(Step::HalfDown), "half a page down"),
    bind(&[ctrl('u')], "Ctrl-u", MOVES, Command::Move(Step::HalfUp), "half a page up"),
    bind(
        &[key(KeyCode::PageDown), ctrl('f')],
        "PgDn",
        MOVES,
        Command::Move(Step::PageDown),
        "a page down",
    ),
    bind(
        &[key(KeyCode::PageUp), ctrl('b')],
        "PgUp",
        MOVES,
        Command::Move(Step::PageUp),
        "a page up",
    ),
    bind(
        &[char('g'), key(KeyCode::Home)],
        "g  Home",
        MOVES,
        Command::Move(Step::Top),
        "to the first line",
    ),
    bind(
        &[char('G'), key(KeyCode::End)],
        "G  End",
        MOVES,
        Command::Move(Step::Bottom),
        "to the last line",
    ),
    often(bind(&[char('/')], "/", ABOUT, Command::Search, "search here"), "search"),
    bind(&[char('n')], "n", LISTS, Command::NextMatch, "next match"),
    bind(&[char('N')], "N", LISTS, Command::PreviousMatch, "match before"),
    often(bind(&[char('z')], "z", PANES, Command::Zoom, "this pane alone, or all of them"), "zoom"),
    often(
        bind(
            &[char('+'), char('=')],
            "+",
            &[&[Scope::Timeline]],
            Command::Closer,
            "less of the past, in more detail",
        ),
        "zoom",
    ),
    bind(&[char('-')], "-", &[&[Scope::Timeline]], Command::Wider, "more of the past"),
    bind(&[char('f')], "f", &[&[Scope::Timeline]], Command::Fit, "the incident and what led to it"),
    lives(bind(
        &[char(' ')],
        "Space",
        ROWS,
        Command::Pause,
        "hold the picture still, or let it run",
    )),
    bind(&[char('l')], "l", ABOUT, Command::LinesOf, "log lines that name this row"),
    bind(&[char('m')], "m", HELPED, Command::Mouse, "the mouse: here, or left to the terminal"),
    bind(&[char('U')], "U", HELPED, Command::Clock, "times in UTC, or as the host has them"),
    lives(bind(
        &[ctrl('s')],
        "Ctrl-s",
        HELPED,
        Command::SaveScreen,
        "save the screen as text and SVG",
    )),
    lives(bind(
        &[char('R')],
        "R",
        HELPED,
        Command::Report,
        "report: write the post-mortem as Markdown and HTML",
    )),
    often(bind(&[char(':')], ":", HELPED, Command::Palette, "find a command or a place"), "find"),
    often(bind(&[key(KeyCode::Esc), char('q')], "Esc  q", LAYERS, Command::Back, "back"), "back"),
    bind(&[key(KeyCode::Esc)], "Esc", VIEWS, Command::Back, "end the search; back to the overview"),
    often(
        bind(
            &[char('?'), key(KeyCode::F(1))],
            "?  F1",
            HELPED,
            Command::Help,
            "the keys that work here",
        ),
        "help",
    ),
    often(bind(&[char('q')], "q", VIEWS, Command::Quit, "leave"), "quit"),
    often(
        bind(
            &[key(KeyCode::Right), key(KeyCode::Tab), key(KeyCode::PageDown)],
            "Right",
            &[&[Scope::Kiosk]],
            Command::Turn(Turn::Next),
            "next page",
        ),
        "next page",
    ),
    often(
        bind(
            &[key(KeyCode::Left), key(KeyCode::BackTab), key(KeyCode::PageUp)],
            "Left",
            &[&[Scope::Kiosk]],
            Command::Turn(Turn::Back),
            "page before",
        ),
        "page before",
    ),
    often(
        bind(
            &[char(' ')],
            "Space",
            &[&[Scope::Kiosk]],
            Command::Turn(Turn::Stay),
            "stay on this page, or turn again",
        ),
        "stay",
    ),
    often(bind(&[char('q')], "q", &[&[Scope::Kiosk]], Command::Quit, "leave"), "leave"),
    bind(&[ctrl('c')], "Ctrl-c", EVERYWHERE, Command::Quit, "leave at once, from anywhere"),
    bind(&[key(KeyCode::Down)], "Down", ARROWS, Command::Move(Step::Down), "one line down"),
    bind(&[key(KeyCode::Up)], "Up", ARROWS, Command::Move(Step::Up), "one line up"),
    bind(&[key(KeyCode::PageDown)], "PgDn", ARROWS, Command::Move(Step::PageDown), "a page down"),
    bind(&[key(KeyCode::PageUp)], "PgUp", ARROWS, Command::Move(Step::PageUp), "a page up"),
    acts(often(bind(&[char('y')], "y", &[&[Scope::Confirm]], Command::Yes, "do it"), "do it")),
    acts(often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n  q",
            &[&[Scope::Confirm]],
            Command::No,
            "no; so does any other key",
        ),
        "no",
    )),
    acts(often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[&[Scope::Name]],
            Command::Yes,
            "do it, when the name is right",
        ),
        "do it",
    )),
    acts(often(bind(&[key(KeyCode::Esc)], "Esc", &[&[Scope::Name]], Command::No, "no"), "no")),
    often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n  q",
            &[&[Scope::Answer]],
            Command::No,
            "close",
        ),
        "close",
    ),
    acts(often(
        bind(&[char('k')], "k", &[&[Scope::Keeping]], Command::Keep, "keep what was changed"),
        "keep",
    )),
    acts(often(
        bind(&[char('u')], "u", &[&[Scope::Keeping]], Command::Revert, "take it back now"),
        "take back",
    )),
    often(
        bind(
            &[key(KeyCode::Esc), char('q'), key(KeyCode::Enter)],
            "Esc  q  Enter",
            &[&[Scope::Run, Scope::Keeping]],
            Command::Back,
            "back to the panes; what runs goes on",
        ),
        "back",
    ),
    acts(often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[&[Scope::Actions]],
            Command::Choose,
            "prepare it: it is checked, shown, and asked for",
        ),
        "prepare",
    )),
    often(
        bind(
            &[key(KeyCode::Enter), key(KeyCode::Right)],
            "Enter",
            &[&[Scope::Wizard]],
            Command::Onward,
            "go on: measure, or do what the step says",
        ),
        "next",
    ),
    acts(bind(
        &[char('r')],
        "r",
        &[&[Scope::Wizard]],
        Command::Repair,
        "do what this step offers; it asks first",
    )),
    often(
        bind(
            &[char('b'), key(KeyCode::Left), key(KeyCode::Backspace)],
            "b",
            &[&[Scope::Wizard]],
            Command::Backward,
            "one step back",
        ),
        "back",
    ),
    often(
        bind(&[char('s')], "s", &[&[Scope::Wizard]], Command::Skip, "skip this step; says why"),
        "skip",
    ),
    often(
        bind(
            &[char('t')],
            "t",
            &[&[Scope::Wizard]],
            Command::Depth,
            "say more or less: junior, normal, expert",
        ),
        "depth",
    ),
    often(
        bind(
            &[char('c')],
            "c",
            &[&[Scope::Wizard]],
            Command::Track,
            "the checklist from its beginning, or the path of the cause",
        ),
        "checks",
    ),
    often(
        bind(
            &[char('S')],
            "S",
            &[&[Scope::Wizard]],
            Command::Senior,
            "a text to copy for somebody senior",
        ),
        "ask",
    ),
    often(
        bind(
            &[key(KeyCode::Esc), char('q')],
            "Esc  q",
            &[&[Scope::Wizard]],
            Command::Back,
            "leave the wizard; it is remembered",
        ),
        "leave",
    ),
    acts(often(
        bind(
            &[ctrl('s')],
            "Ctrl-s",
            &[&[Scope::Editor]],
            Command::Save,
            "test it, show what changes, and ask",
        ),
        "save",
    )),
    acts(often(
        bind(
            &[key(KeyCode::Esc)],
            "Esc",
            &[&[Scope::Editor]],
            Command::Discard,
            "leave the editor",
        ),
        "leave",
    )),
    acts(often(
        bind(&[char('y')], "y", &[&[Scope::Leave]], Command::Yes, "throw the changes away"),
        "throw away",
    )),
    acts(often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n",
            &[&[Scope::Leave]],
            Command::No,
            "go on editing",
        ),
        "edit on",
    )),
    often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            INPUT,
            Command::Edit(Edit::Accept),
            "keep what was typed",
        ),
        "keep",
    ),
    often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[&[Scope::Palette]],
            Command::Run,
            "do it, go there",
        ),
        "do it",
    ),
    often(
        bind(&[key(KeyCode::Esc)], "Esc", TYPED, Command::Edit(Edit::Cancel), "forget it"),
        "end",
    ),
    bind(
        &[key(KeyCode::Backspace), ctrl('h')],
        "Backspace",
        TYPED,
        Command::Edit(Edit::Erase),
        "delete a character",
    ),
    bind(&[ctrl('u')], "Ctrl-u", TYPED, Command::Edit(Edit::EraseAll), "delete to the beginning"),
    bind(&[key(KeyCode::Left)], "Left", TYPED, Command::Edit(Edit::Left), "left"),
    bind(&[key(KeyCode::Right)], "Right", TYPED, Command::Edit(Edit::Right), "right"),
    bind(
        &[key(KeyCode::Home), ctrl('a')],
        "Home",
        TYPED,
        Command::Edit(Edit::Home),
        "to the start",
    ),
    bind(&[key(KeyCode::End), ctrl('e')], "End", TYPED, Command::Edit(Edit::End), "to the end"),
];

/// The bindings that work there as they are built in.
pub fn bindings(scope: Scope, powers: Powers) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.is_for(powers) && b.works_in(scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, keymap::scopes};

    #[test]
    fn no_key_does_two_things_in_one_place() {
        let sessions = [Powers::Act, Powers::Replay];
        for (scope, powers) in scopes().iter().flat_map(|s| sessions.map(|powers| (s, powers))) {
            let mut seen = Vec::new();
            for binding in bindings(*scope, powers) {
                for key in binding.keys {
                    assert!(!seen.contains(key), "{scope:?} {key:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn a_session_that_only_looks_has_no_key_that_acts() {
        let acting = [
            Command::Repair,
            Command::Rehearse,
            Command::Undo,
            Command::Actions,
            Command::Choose,
            Command::Yes,
            Command::Keep,
            Command::Revert,
            Command::Save,
        ];
        let sessions = [Powers::Look, Powers::Replay];
        for (scope, powers) in scopes().iter().flat_map(|s| sessions.map(|powers| (s, powers))) {
            for binding in bindings(*scope, powers) {
                assert!(!acting.contains(&binding.command), "{scope:?} {binding:?}");
            }
        }
    }

    #[test]
    fn the_key_that_opens_a_question_is_not_the_one_that_answers_it() {
        let openers =
            [Command::Repair, Command::Undo, Command::Choose, Command::Rehearse, Command::Save];
        let yes: Vec<Key> = bindings(Scope::Confirm, Powers::Act)
            .filter(|b| b.command == Command::Yes)
            .flat_map(|b| b.keys.iter().copied())
            .collect();
        for binding in BINDINGS.iter().filter(|b| openers.contains(&b.command)) {
            assert!(binding.keys.iter().all(|key| !yes.contains(key)), "{binding:?}");
        }
    }
}
