//! Which key does what, as data: the fold acts on it and the help lists it.

use super::{Key, KeyCode, Pane, Place, kiosk::Turn, recovery::Powers};

/// Where the person is, as far as keys mean different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Before the panes of the overview.
    Panes,
    /// In the view of the chain.
    Chain,
    /// In the view of the causes.
    Causes,
    /// In the view of the logs.
    Logs,
    /// In the view of the timeline.
    Timeline,
    /// In the view of memory.
    Memory,
    /// In the view of units and containers.
    Units,
    /// Before a page of details.
    Page,
    /// Before the help.
    Help,
    /// In the input line of the search.
    Search,
    /// In an input line of the logs.
    LogInput,
    /// Before the question whether a repair shall be done.
    Confirm,
    /// Before that question, where the name must be typed.
    Name,
    /// Before a repair that is being checked, was refused or was only looked at.
    Answer,
    /// Before a repair that is carried out, or is over.
    Run,
    /// Before a change that is taken back unless somebody says keep.
    Keeping,
    /// Before the list of actions.
    Actions,
    /// Before the reasons why nothing is done.
    Refusal,
    /// Before the audit.
    Audit,
    /// In the wizard.
    Wizard,
    /// In the input line for the reason of a skip.
    Reason,
    /// Before the text for somebody senior.
    Senior,
    /// In the editor.
    Editor,
    /// Before the question whether changes are thrown away.
    Leave,
    /// In the input line of the commands.
    Palette,
    /// Before a wall screen.
    Kiosk,
    /// Before a wall screen whose keys do nothing.
    Sealed,
}

/// A move in a list or a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One line down.
    Down,
    /// One line up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first line.
    Top,
    /// To the last line.
    Bottom,
}

impl Step {
    /// Where it leads from row `at` of a list that shows `height` rows, `last` being the last row.
    pub(super) fn from(self, at: usize, height: usize, last: usize) -> usize {
        let page = height.max(1);
        let half = (page / 2).max(1);
        match self {
            Self::Down => at.saturating_add(1),
            Self::Up => at.saturating_sub(1),
            Self::HalfDown => at.saturating_add(half),
            Self::HalfUp => at.saturating_sub(half),
            Self::PageDown => at.saturating_add(page),
            Self::PageUp => at.saturating_sub(page),
            Self::Top => 0,
            Self::Bottom => last,
        }
        .min(last)
    }
}

/// A change of the input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Keep what was typed.
    Accept,
    /// Forget what was typed.
    Cancel,
    /// Delete the character before the cursor.
    Erase,
    /// Delete everything before the cursor.
    EraseAll,
    /// One character left.
    Left,
    /// One character right.
    Right,
    /// Before the first character.
    Home,
    /// Behind the last character.
    End,
}

/// What a key does in the view of the logs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Follow the newest line.
    Follow,
    /// Ask for a pattern that lines must have.
    FilterIn,
    /// Ask for a pattern that lines must not have.
    FilterOut,
    /// Remove the newest filter.
    DropFilter,
    /// Go to the next line that tells of a failure.
    NextError,
    /// Go to the one before.
    PreviousError,
    /// Ask for a time to go to.
    Time,
    /// Mark the selected line, or take its mark away.
    Mark,
    /// Go to the next marked line.
    NextMark,
    /// Go to the one before.
    PreviousMark,
    /// Copy the marked lines, or the selected one.
    Copy,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Leave the program.
    Quit,
    /// Close the top layer, end a search, leave the zoom.
    Back,
    /// Open the help.
    Help,
    /// Turn to a view.
    Show(Place),
    /// Look at a pane.
    Focus(Pane),
    /// Look at the next pane.
    NextPane,
    /// Look at the pane before.
    PreviousPane,
    /// Move.
    Move(Step),
    /// Open the details of the selected row.
    Open,
    /// Open the page of what can be seen.
    Sources,
    /// Open the input line of the search.
    Search,
    /// Go to the next match.
    NextMatch,
    /// Go to the match before.
    PreviousMatch,
    /// Let the focused pane fill the screen, or not.
    Zoom,
    /// Show less of the past, in more detail.
    Closer,
    /// Show more of the past.
    Wider,
    /// Show the incident and what led to it.
    Fit,
    /// Hold the picture still, or let it run.
    Pause,
    /// What only the view of the logs knows.
    Log(Log),
    /// Change the input line.
    Edit(Edit),
    /// Prepare the one right repair.
    Repair,
    /// Look at that repair without doing it.
    Rehearse,
    /// Take the last repair back.
    Undo,
    /// Open the list of actions.
    Actions,
    /// Prepare the selected action.
    Choose,
    /// Yes to what is shown.
    Yes,
    /// No.
    No,
    /// Keep what was changed.
    Keep,
    /// Take back what was changed.
    Revert,
    /// Open the audit.
    Audit,
    /// Open the wizard.
    Wizard,
    /// Go on in the wizard.
    Onward,
    /// Go back in the wizard.
    Backward,
    /// Skip a step of the wizard, with a reason.
    Skip,
    /// Say more or less in the wizard.
    Depth,
    /// Change between the path of the cause and the checklist.
    Track,
    /// Open the text for somebody senior.
    Senior,
    /// Save what was edited: show it, test it, ask.
    Save,
    /// Leave the editor.
    Discard,
    /// Open the list of everything that can be done or gone to here.
    Palette,
    /// Do what is chosen in that list.
    Run,
    /// Turn to the view behind this one.
    NextView,
    /// Turn to the view before this one.
    PreviousView,
    /// Listen to the mouse, or leave it to the terminal.
    Mouse,
    /// Show times in UTC, or in the zone of the host.
    Clock,
    /// Save what is on screen.
    SaveScreen,
    /// Turn to the log lines of the selected row.
    LinesOf,
    /// Turn the page of the wall screen.
    Turn(Turn),
}

/// Keys that do the same.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys.
    pub keys: &'static [Key],
    /// How they are written in the help.
    pub shown: &'static str,
    /// Where they work.
    pub scopes: &'static [Scope],
    /// What they do.
    pub command: Command,
    /// That in words.
    pub words: &'static str,
    /// That in one word, for the footer, when it matters often.
    pub short: Option<&'static str>,
    /// What the session must be allowed to; otherwise the key is not bound and not listed.
    pub needs: Powers,
}

const fn key(code: KeyCode) -> Key {
    Key { code, control: false }
}

const fn char(c: char) -> Key {
    key(KeyCode::Char(c))
}

const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), control: true }
}

const fn bind(
    keys: &'static [Key],
    shown: &'static str,
    scopes: &'static [Scope],
    command: Command,
    words: &'static str,
) -> Binding {
    Binding { keys, shown, scopes, command, words, short: None, needs: Powers::Look }
}

const fn often(binding: Binding, short: &'static str) -> Binding {
    Binding { short: Some(short), ..binding }
}

const fn acts(binding: Binding) -> Binding {
    Binding { needs: Powers::Act, ..binding }
}

const PANES: &[Scope] = &[Scope::Panes];
/// The views below all layers.
const VIEWS: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
];
/// The views whose rows are things that can be opened and searched in.
const ROWS: &[Scope] =
    &[Scope::Panes, Scope::Chain, Scope::Causes, Scope::Timeline, Scope::Memory, Scope::Units];
/// Where a row, or the page of one, is about something that logs may name.
const ABOUT: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
];
const LISTS: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
];
/// From where a digit turns to a view.
const TURNS: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
    Scope::Help,
    Scope::Run,
    Scope::Actions,
    Scope::Refusal,
    Scope::Audit,
    Scope::Wizard,
    Scope::Senior,
];
const MOVES: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
    Scope::Help,
    Scope::Run,
    Scope::Actions,
    Scope::Refusal,
    Scope::Audit,
    Scope::Senior,
];
/// Where only the arrows move, because letters mean something else.
const ARROWS: &[Scope] =
    &[Scope::Confirm, Scope::Name, Scope::Answer, Scope::Keeping, Scope::Wizard, Scope::Palette];
const LAYERS: &[Scope] =
    &[Scope::Page, Scope::Help, Scope::Actions, Scope::Refusal, Scope::Audit, Scope::Senior];
const HELPED: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
    Scope::Run,
    Scope::Actions,
    Scope::Refusal,
    Scope::Audit,
    Scope::Wizard,
    Scope::Senior,
];
const INPUT: &[Scope] = &[Scope::Search, Scope::LogInput, Scope::Reason];
/// Where a line is typed.
const TYPED: &[Scope] = &[Scope::Search, Scope::LogInput, Scope::Reason, Scope::Palette];
const LOGS: &[Scope] = &[Scope::Logs];
/// Where `/` is listed in its general words.
const SEARCHED: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
];
const ALL: &[Scope] = &[
    Scope::Panes,
    Scope::Chain,
    Scope::Causes,
    Scope::Logs,
    Scope::Timeline,
    Scope::Memory,
    Scope::Units,
    Scope::Page,
    Scope::Help,
    Scope::Search,
    Scope::LogInput,
    Scope::Confirm,
    Scope::Name,
    Scope::Answer,
    Scope::Run,
    Scope::Keeping,
    Scope::Actions,
    Scope::Refusal,
    Scope::Audit,
    Scope::Wizard,
    Scope::Reason,
    Scope::Senior,
    Scope::Editor,
    Scope::Leave,
    Scope::Palette,
    Scope::Kiosk,
];
/// Where a question stands, text is typed or a wall is looked at: keys there mean what they always
/// mean.
const FIXED: &[Scope] = &[
    Scope::Confirm,
    Scope::Name,
    Scope::Answer,
    Scope::Keeping,
    Scope::Leave,
    Scope::Search,
    Scope::Reason,
    Scope::LogInput,
    Scope::Palette,
    Scope::Editor,
    Scope::Kiosk,
];

/// Every key that does something, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    acts(bind(
        &[char('r')],
        "r",
        LISTS,
        Command::Repair,
        "do the one right thing now: the footer says what; it asks first",
    )),
    often(
        bind(&[char(' ')], "Space", LOGS, Command::Pause, "pause, or follow the newest line"),
        "pause",
    ),
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
    bind(&[char('>')], ">", TURNS, Command::NextView, "next view"),
    bind(&[char('<')], "<", TURNS, Command::PreviousView, "view before"),
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
    often(bind(&[char('/')], "/", SEARCHED, Command::Search, "search here"), "search"),
    bind(&[char('n')], "n", LISTS, Command::NextMatch, "next match"),
    bind(&[char('N')], "N", LISTS, Command::PreviousMatch, "match before"),
    often(bind(&[char('z')], "z", PANES, Command::Zoom, "this pane alone, or all of them"), "zoom"),
    often(
        bind(
            &[char('+'), char('=')],
            "+",
            &[Scope::Timeline],
            Command::Closer,
            "less of the past, in more detail",
        ),
        "zoom",
    ),
    bind(&[char('-')], "-", &[Scope::Timeline], Command::Wider, "more of the past"),
    bind(&[char('f')], "f", &[Scope::Timeline], Command::Fit, "the incident and what led to it"),
    bind(&[char(' ')], "Space", ROWS, Command::Pause, "hold the picture still, or let it run"),
    bind(&[char('l')], "l", ABOUT, Command::LinesOf, "log lines that name this row"),
    bind(&[char('m')], "m", HELPED, Command::Mouse, "the mouse: here, or left to the terminal"),
    bind(&[char('U')], "U", HELPED, Command::Clock, "times in UTC, or as the host has them"),
    bind(&[ctrl('s')], "Ctrl-s", HELPED, Command::SaveScreen, "save the screen as text and SVG"),
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
            &[Scope::Kiosk],
            Command::Turn(Turn::Next),
            "next page",
        ),
        "next page",
    ),
    often(
        bind(
            &[key(KeyCode::Left), key(KeyCode::BackTab), key(KeyCode::PageUp)],
            "Left",
            &[Scope::Kiosk],
            Command::Turn(Turn::Back),
            "page before",
        ),
        "page before",
    ),
    often(
        bind(
            &[char(' ')],
            "Space",
            &[Scope::Kiosk],
            Command::Turn(Turn::Stay),
            "stay on this page, or turn again",
        ),
        "stay",
    ),
    often(bind(&[char('q')], "q", &[Scope::Kiosk], Command::Quit, "leave"), "leave"),
    bind(&[ctrl('c')], "Ctrl-c", ALL, Command::Quit, "leave at once, from anywhere"),
    bind(&[key(KeyCode::Down)], "Down", ARROWS, Command::Move(Step::Down), "one line down"),
    bind(&[key(KeyCode::Up)], "Up", ARROWS, Command::Move(Step::Up), "one line up"),
    bind(&[key(KeyCode::PageDown)], "PgDn", ARROWS, Command::Move(Step::PageDown), "a page down"),
    bind(&[key(KeyCode::PageUp)], "PgUp", ARROWS, Command::Move(Step::PageUp), "a page up"),
    acts(often(bind(&[char('y')], "y", &[Scope::Confirm], Command::Yes, "do it"), "do it")),
    acts(often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n  q",
            &[Scope::Confirm],
            Command::No,
            "no; so does any other key",
        ),
        "no",
    )),
    acts(often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[Scope::Name],
            Command::Yes,
            "do it, when the name is right",
        ),
        "do it",
    )),
    acts(often(bind(&[key(KeyCode::Esc)], "Esc", &[Scope::Name], Command::No, "no"), "no")),
    often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n  q",
            &[Scope::Answer],
            Command::No,
            "close",
        ),
        "close",
    ),
    acts(often(
        bind(&[char('k')], "k", &[Scope::Keeping], Command::Keep, "keep what was changed"),
        "keep",
    )),
    acts(often(
        bind(&[char('u')], "u", &[Scope::Keeping], Command::Revert, "take it back now"),
        "take back",
    )),
    often(
        bind(
            &[key(KeyCode::Esc), char('q'), key(KeyCode::Enter)],
            "Esc  q  Enter",
            &[Scope::Run, Scope::Keeping],
            Command::Back,
            "back to the panes; what runs goes on",
        ),
        "back",
    ),
    acts(often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            &[Scope::Actions],
            Command::Choose,
            "prepare it: it is checked, shown, and asked for",
        ),
        "prepare",
    )),
    often(
        bind(
            &[key(KeyCode::Enter), key(KeyCode::Right)],
            "Enter",
            &[Scope::Wizard],
            Command::Onward,
            "go on: measure, or do what the step says",
        ),
        "next",
    ),
    acts(bind(
        &[char('r')],
        "r",
        &[Scope::Wizard],
        Command::Repair,
        "do what this step offers; it asks first",
    )),
    often(
        bind(
            &[char('b'), key(KeyCode::Left), key(KeyCode::Backspace)],
            "b",
            &[Scope::Wizard],
            Command::Backward,
            "one step back",
        ),
        "back",
    ),
    often(
        bind(&[char('s')], "s", &[Scope::Wizard], Command::Skip, "skip this step; says why"),
        "skip",
    ),
    often(
        bind(
            &[char('t')],
            "t",
            &[Scope::Wizard],
            Command::Depth,
            "say more or less: junior, normal, expert",
        ),
        "depth",
    ),
    often(
        bind(
            &[char('c')],
            "c",
            &[Scope::Wizard],
            Command::Track,
            "the checklist from its beginning, or the path of the cause",
        ),
        "checks",
    ),
    often(
        bind(
            &[char('S')],
            "S",
            &[Scope::Wizard],
            Command::Senior,
            "a text to copy for somebody senior",
        ),
        "ask",
    ),
    often(
        bind(
            &[key(KeyCode::Esc), char('q')],
            "Esc  q",
            &[Scope::Wizard],
            Command::Back,
            "leave the wizard; it is remembered",
        ),
        "leave",
    ),
    acts(often(
        bind(
            &[ctrl('s')],
            "Ctrl-s",
            &[Scope::Editor],
            Command::Save,
            "test it, show what changes, and ask",
        ),
        "save",
    )),
    acts(often(
        bind(&[key(KeyCode::Esc)], "Esc", &[Scope::Editor], Command::Discard, "leave the editor"),
        "leave",
    )),
    acts(often(
        bind(&[char('y')], "y", &[Scope::Leave], Command::Yes, "throw the changes away"),
        "throw away",
    )),
    acts(often(
        bind(
            &[key(KeyCode::Esc), char('n'), char('q')],
            "Esc  n",
            &[Scope::Leave],
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
        bind(&[key(KeyCode::Enter)], "Enter", &[Scope::Palette], Command::Run, "do it, go there"),
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

impl Binding {
    /// Whether its keys are always these.
    pub fn is_fixed(&self) -> bool {
        self.scopes.iter().any(|scope| FIXED.contains(scope))
    }

    /// Whether it may lead to a question.
    pub fn opens(&self) -> bool {
        self.needs == Powers::Act || self.command == Command::Onward
    }

    /// Whether it answers a question with something else than no.
    pub fn answers(&self) -> bool {
        matches!(self.command, Command::Yes | Command::Keep | Command::Revert)
    }
}

impl Command {
    /// Its name in the settings: `move-half-down`, `show-chain`, `actions`. It is what the variant
    /// is called; a test holds all of them still.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            match c {
                '(' | ')' => {}
                c if c.is_ascii_uppercase() => {
                    if !name.is_empty() {
                        name.push('-');
                    }
                    name.push(c.to_ascii_lowercase());
                }
                c => name.push(c),
            }
        }
        name
    }

    /// Under which heading the help lists it.
    pub const fn group(self) -> Group {
        match self {
            Self::Repair
            | Self::Rehearse
            | Self::Undo
            | Self::Actions
            | Self::Choose
            | Self::Yes
            | Self::No
            | Self::Keep
            | Self::Revert
            | Self::Audit
            | Self::Wizard
            | Self::Onward
            | Self::Backward
            | Self::Skip
            | Self::Depth
            | Self::Track
            | Self::Senior
            | Self::Save
            | Self::Discard
            | Self::Run => Group::Act,
            Self::Show(_) | Self::Sources | Self::NextView | Self::PreviousView => Group::Views,
            Self::Move(_) | Self::NextPane | Self::PreviousPane | Self::Focus(_) => Group::Move,
            Self::Edit(_) => Group::Type,
            Self::Quit | Self::Back | Self::Help | Self::Palette => Group::Leave,
            _ => Group::Look,
        }
    }
}

/// A heading of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What changes something, or leads to it.
    Act,
    /// The views.
    Views,
    /// Moving.
    Move,
    /// Looking closer.
    Look,
    /// Typing.
    Type,
    /// Out, and on.
    Leave,
}

impl Group {
    /// Every heading in the order of the help.
    pub const ALL: [Self; 6] =
        [Self::Act, Self::Look, Self::Views, Self::Move, Self::Type, Self::Leave];

    /// Its words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Act => "Act",
            Self::Views => "Views",
            Self::Move => "Move",
            Self::Look => "Look",
            Self::Type => "Type",
            Self::Leave => "Out and on",
        }
    }
}

/// The bindings that work there as they are built in.
pub fn bindings(scope: Scope, powers: Powers) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.needs <= powers && b.scopes.contains(&scope))
}

/// Every scope.
pub const fn scopes() -> &'static [Scope] {
    ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things_in_one_place() {
        for scope in ALL {
            let mut seen = Vec::new();
            for binding in bindings(*scope, Powers::Act) {
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
        for scope in ALL {
            for binding in bindings(*scope, Powers::Look) {
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
