//! Where keys mean different things, and places that share them.

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
    /// Before the story of a game.
    Story,
    /// Before what can be asked for in a game.
    Panel,
    /// Before the score of a game.
    Score,
    /// Before a wall screen.
    Kiosk,
    /// Before a wall screen whose keys do nothing.
    Sealed,
}

/// Places together, each a list of scopes: where a key works.
pub(super) type Places = &'static [&'static [Scope]];

/// The views whose rows are things that can be opened and searched in.
const ROW_VIEWS: &[Scope] =
    &[Scope::Panes, Scope::Chain, Scope::Causes, Scope::Timeline, Scope::Memory, Scope::Units];
const LOG_VIEW: &[Scope] = &[Scope::Logs];
const PAGE: &[Scope] = &[Scope::Page];
/// Layers that one moves in with letters, and that have a help.
const LAYER_LISTS: &[Scope] = &[
    Scope::Run,
    Scope::Actions,
    Scope::Refusal,
    Scope::Audit,
    Scope::Senior,
    Scope::Panel,
    Scope::Score,
];

pub(super) const PANES: Places = &[&[Scope::Panes]];
pub(super) const ROWS: Places = &[ROW_VIEWS];
pub(super) const LOGS: Places = &[LOG_VIEW];
/// The views below all layers.
pub(super) const VIEWS: Places = &[ROW_VIEWS, LOG_VIEW];
/// Where a row, or the page of one, is searched in and is about something that logs may name.
pub(super) const ABOUT: Places = &[ROW_VIEWS, PAGE];
pub(super) const LISTS: Places = &[ROW_VIEWS, LOG_VIEW, PAGE];
/// From where a digit turns to a view.
pub(super) const TURNS: Places =
    &[ROW_VIEWS, LOG_VIEW, PAGE, LAYER_LISTS, &[Scope::Help, Scope::Wizard]];
pub(super) const MOVES: Places = &[ROW_VIEWS, LOG_VIEW, PAGE, LAYER_LISTS, &[Scope::Help]];
pub(super) const HELPED: Places = &[ROW_VIEWS, LOG_VIEW, PAGE, LAYER_LISTS, &[Scope::Wizard]];
/// Where one moves in the time of a recording.
pub(super) const TIMES: Places = &[ROW_VIEWS, LOG_VIEW, PAGE, LAYER_LISTS];
/// Where `t` means nothing else.
pub(super) const TIMES_BUT_LOGS: Places = &[ROW_VIEWS, PAGE, LAYER_LISTS];
/// Where only the arrows move, because letters mean something else.
pub(super) const ARROWS: Places = &[&[
    Scope::Confirm,
    Scope::Name,
    Scope::Answer,
    Scope::Keeping,
    Scope::Wizard,
    Scope::Palette,
    Scope::Story,
]];
pub(super) const LAYERS: Places = &[
    PAGE,
    &[Scope::Help, Scope::Actions, Scope::Refusal, Scope::Audit, Scope::Senior, Scope::Panel],
];
/// From where the game is asked.
pub(super) const PLAYED: Places =
    &[ROW_VIEWS, LOG_VIEW, PAGE, &[Scope::Run, Scope::Refusal, Scope::Wizard]];
const LINES: &[Scope] = &[Scope::Search, Scope::LogInput, Scope::Reason];
pub(super) const INPUT: Places = &[LINES];
/// Where a line is typed.
pub(super) const TYPED: Places = &[LINES, &[Scope::Palette]];
pub(super) const EVERYWHERE: Places = &[ALL];

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
    Scope::Story,
    Scope::Panel,
    Scope::Score,
    Scope::Kiosk,
];

/// Where a question stands, text is typed or a wall is looked at: keys there mean what they always
/// mean.
pub(super) const FIXED: &[Scope] = &[
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

/// Every scope in which a key does something.
pub const fn scopes() -> &'static [Scope] {
    ALL
}
