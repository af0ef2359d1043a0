//! What a key does.

use crate::session::{Pane, Place, kiosk::Turn, replay::Ask};

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
    pub(in crate::session) fn from(self, at: usize, height: usize, last: usize) -> usize {
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
    /// Show repeated lines as one row, or each.
    Fold,
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

/// What a key does in a game alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// Show the story, the hints and what can be asked for; once it is solved, the score.
    Panel,
    /// Begin.
    Begin,
    /// Name the cause.
    Name,
    /// Ask for a hint.
    Hint,
    /// Show the ranking.
    Reveal,
    /// On to the next one.
    Next,
    /// The same one again.
    Again,
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
    /// Write the post-mortem.
    Report,
    /// Turn to the log lines of the selected row.
    LinesOf,
    /// Turn the page of the wall screen.
    Turn(Turn),
    /// Move in the time of a recording.
    Replay(Ask),
    /// What only a game knows.
    Play(Play),
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
            | Self::Play(_)
            | Self::Run => Group::Act,
            Self::Show(_) | Self::Sources | Self::NextView | Self::PreviousView => Group::Views,
            Self::Move(_) | Self::NextPane | Self::PreviousPane | Self::Focus(_) => Group::Move,
            Self::Edit(_) => Group::Type,
            Self::Quit | Self::Back | Self::Help | Self::Palette => Group::Leave,
            Self::Replay(_) => Group::Time,
            _ => Group::Look,
        }
    }
}

/// A heading of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Moving in the time of a recording.
    Time,
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
    pub const ALL: [Self; 7] =
        [Self::Time, Self::Act, Self::Look, Self::Views, Self::Move, Self::Type, Self::Leave];

    /// Its words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Time => "The time of the recording",
            Self::Act => "Act",
            Self::Views => "Views",
            Self::Move => "Move",
            Self::Look => "Look",
            Self::Type => "Type",
            Self::Leave => "Out and on",
        }
    }
}
