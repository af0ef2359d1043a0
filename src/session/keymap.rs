//! Which key does what, as data: the fold acts on it and the help lists it.

use super::{Key, KeyCode, Pane};

/// Where the person is, as far as keys mean different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Before the panes.
    Panes,
    /// Before a page of details.
    Page,
    /// Before the help.
    Help,
    /// In the input line of the search.
    Search,
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

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Leave the program.
    Quit,
    /// Close the top layer, end a search, leave the zoom.
    Back,
    /// Open the help.
    Help,
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
    /// Hold the picture still, or let it run.
    Pause,
    /// Change the input line.
    Edit(Edit),
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
    Binding { keys, shown, scopes, command, words, short: None }
}

const fn often(binding: Binding, short: &'static str) -> Binding {
    Binding { short: Some(short), ..binding }
}

const PANES: &[Scope] = &[Scope::Panes];
const LISTS: &[Scope] = &[Scope::Panes, Scope::Page];
const MOVES: &[Scope] = &[Scope::Panes, Scope::Page, Scope::Help];
const LAYERS: &[Scope] = &[Scope::Page, Scope::Help];
const INPUT: &[Scope] = &[Scope::Search];
const ALL: &[Scope] = &[Scope::Panes, Scope::Page, Scope::Help, Scope::Search];

/// Every key that does something, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    often(
        bind(&[key(KeyCode::Enter)], "Enter", PANES, Command::Open, "details of the selected row"),
        "details",
    ),
    often(bind(&[key(KeyCode::Tab)], "Tab", PANES, Command::NextPane, "next pane"), "pane"),
    bind(&[key(KeyCode::BackTab)], "Shift-Tab", PANES, Command::PreviousPane, "pane before"),
    bind(&[char('1')], "1", PANES, Command::Focus(Pane::Upstreams), "upstreams: who stands behind"),
    bind(
        &[char('2'), char('e')],
        "2  e",
        PANES,
        Command::Focus(Pane::Errors),
        "errors in the logs",
    ),
    bind(&[char('3')], "3", PANES, Command::Focus(Pane::Memory), "memory and memory kills"),
    bind(&[char('4')], "4", PANES, Command::Focus(Pane::Units), "units and containers"),
    bind(&[char('5')], "5", PANES, Command::Focus(Pane::Cause), "the causes"),
    bind(&[char('6')], "6", PANES, Command::Sources, "what can be seen, and what cannot"),
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
    often(bind(&[char('/')], "/", LISTS, Command::Search, "search here"), "search"),
    bind(&[char('n')], "n", LISTS, Command::NextMatch, "next match"),
    bind(&[char('N')], "N", LISTS, Command::PreviousMatch, "match before"),
    often(bind(&[char('z')], "z", PANES, Command::Zoom, "this pane alone, or all of them"), "zoom"),
    bind(&[char(' ')], "Space", PANES, Command::Pause, "hold the picture still, or let it run"),
    often(bind(&[key(KeyCode::Esc), char('q')], "Esc  q", LAYERS, Command::Back, "back"), "back"),
    bind(&[key(KeyCode::Esc)], "Esc", PANES, Command::Back, "end the search or the zoom"),
    often(
        bind(
            &[char('?'), key(KeyCode::F(1))],
            "?  F1",
            LISTS,
            Command::Help,
            "the keys that work here",
        ),
        "help",
    ),
    often(bind(&[char('q')], "q", PANES, Command::Quit, "leave"), "quit"),
    bind(&[ctrl('c')], "Ctrl-c", ALL, Command::Quit, "leave at once, from anywhere"),
    often(
        bind(
            &[key(KeyCode::Enter)],
            "Enter",
            INPUT,
            Command::Edit(Edit::Accept),
            "keep the search",
        ),
        "keep",
    ),
    often(
        bind(&[key(KeyCode::Esc)], "Esc", INPUT, Command::Edit(Edit::Cancel), "end the search"),
        "end",
    ),
    bind(
        &[key(KeyCode::Backspace), ctrl('h')],
        "Backspace",
        INPUT,
        Command::Edit(Edit::Erase),
        "delete a character",
    ),
    bind(&[ctrl('u')], "Ctrl-u", INPUT, Command::Edit(Edit::EraseAll), "delete to the beginning"),
    bind(&[key(KeyCode::Left)], "Left", INPUT, Command::Edit(Edit::Left), "left"),
    bind(&[key(KeyCode::Right)], "Right", INPUT, Command::Edit(Edit::Right), "right"),
    bind(
        &[key(KeyCode::Home), ctrl('a')],
        "Home",
        INPUT,
        Command::Edit(Edit::Home),
        "to the start",
    ),
    bind(&[key(KeyCode::End), ctrl('e')], "End", INPUT, Command::Edit(Edit::End), "to the end"),
];

/// What a key does there.
pub fn command(scope: Scope, key: Key) -> Option<Command> {
    let fits = |b: &&Binding| b.scopes.contains(&scope) && b.keys.contains(&key);
    BINDINGS.iter().find(fits).map(|b| b.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things_in_one_place() {
        for scope in *ALL.first_chunk::<4>().unwrap() {
            let mut seen = Vec::new();
            for binding in BINDINGS.iter().filter(|b| b.scopes.contains(&scope)) {
                for key in binding.keys {
                    assert!(!seen.contains(key), "{scope:?} {key:?}");
                    seen.push(*key);
                }
            }
        }
    }
}
