//! Everything that can enter a session.

use crate::{
    observation::{Moment, Observation, Text},
    remedy::Progress,
};

use super::{history::History, practice::Traffic};

/// A key, free of any terminal library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Whether Control was held.
    pub control: bool,
}

/// The keys that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum KeyCode {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key.
    F(u8),
}

/// What the mouse did at a cell of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column, from 0 at the left. It may lie beyond the screen: a terminal says what it likes.
    pub column: u16,
    /// Row, from 0 at the top. As `column`.
    pub row: u16,
}

/// What a mouse can do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The wheel was turned up by one notch.
    ScrollUp,
    /// The wheel was turned down by one notch.
    ScrollDown,
}

/// One entry of the ordered queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A source saw something.
    Seen(Box<Observation>),
    /// [`super::Effect::Continue`] was asked for, and keys have been looked at meanwhile.
    Continue,
    /// A key was pressed.
    Key(Key),
    /// The mouse was used; only while the terminal tells (`View::mouse_off`).
    Mouse(Mouse),
    /// Text was pasted; it is never taken for keys.
    Paste(String),
    /// The terminal has a new size in columns and rows.
    Resize(u16, u16),
    /// Time passes: once a second while a screen is up.
    Tick(Moment),
    /// The queue has been drained for now: time to diagnose.
    Settle,
    /// Somebody asked the process to end.
    Quit,
    /// The process that carries out said something. What an abandoned one still says is not told.
    Progress(Box<Progress>),
    /// The process that carries out is gone without [`Progress::End`], or could not be started.
    Lost(String),
    /// A frame was drawn in which the question with this ticket could be read
    /// (`Model::unseen_question` named it before the frame).
    Shown(u64),
    /// 300 ms have passed since [`Event::Shown`] with this ticket.
    Armed(u64),
    /// The audit, oldest record first, or why it cannot be read.
    Audit(Result<Vec<AuditLine>, String>),
    /// The screen is saved: where, or why it is not.
    Saved(Result<String, String>),
    /// A configuration file that was asked for, as text, or why it cannot be edited here.
    File {
        /// The file, as its program sees the path.
        file: Text,
        /// Its text with every byte, or a reason in words.
        content: Result<String, String>,
    },
    /// The session is recorded there, or why it is not for now.
    Recording(Result<String, String>),
    /// What the clients of a practice world got.
    Traffic(Traffic),
    /// The process that reads for a kiosk said something.
    Broker(BrokerWord),
    /// The history of this host's incidents as it was read, or read again.
    History(Box<History>),
}

/// What a broker says besides what its sources see.
#[derive(Clone, Debug, PartialEq)]
pub enum BrokerWord {
    /// It lives: once a second, by its clock.
    Alive(Moment),
    /// It has diagnosed, and its sources look at this generation of attention.
    Settled(u64),
    /// It is gone, and why: nothing can be seen any more.
    Gone(String),
}

/// One record of the audit, as the screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number.
    pub sequence: u64,
    /// When, wall clock.
    pub at: crate::observation::Wall,
    /// Who: user, and from where.
    pub who: Text,
    /// What, in one line.
    pub what: Text,
    /// What came of it, empty while nothing did.
    pub result: Text,
    /// Whether the chain of hashes holds up to here.
    pub intact: bool,
    /// What a report says besides.
    pub detail: AuditDetail,
}

/// What the screen has no room for of a record, and a report has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditDetail {
    /// Who, with every name that is known: user, by sudo, login, client of SSH.
    pub by: Text,
    /// The same by hand, each a command line.
    pub commands: Vec<Text>,
    /// Id of the cause that it was for; empty without one.
    pub cause: Text,
    /// What that concerned.
    pub whom: Text,
    /// The finding in a sentence.
    pub finding: Text,
    /// The first pieces of its evidence.
    pub evidence: Vec<Text>,
    /// When it was over.
    pub ended: Option<crate::observation::Wall>,
    /// How it ended.
    pub ending: Option<crate::remedy::Ending>,
    /// What was seen of the requests.
    pub verdict: Option<crate::verification::Verdict>,
}
