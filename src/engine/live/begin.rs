//! What a session begins with, and how it ends.

use jiff::tz::TimeZone;
use tokio::sync::mpsc::Receiver;

use crate::{
    engine::{broker::Feed, crew::Crew, desk::Desk, recorder},
    host::signals::Signal,
    observation::Text,
    remedy::Playbooks,
    session::{
        Event, Setup,
        kiosk::Way,
        practice::{Onward, Task},
    },
};

/// What a session begins with.
#[derive(Debug)]
pub struct Begin {
    /// What lets it act; without one it only looks: nothing in it can act.
    pub crew: Option<Crew>,
    /// What reads for it.
    pub desk: Desk,
    /// Playbooks: the built-in ones and the user's.
    pub playbooks: &'static Playbooks,
    /// What is wrong with playbooks that were left out.
    pub playbook_flaws: Vec<String>,
    /// What the session before wanted to know again.
    pub kept: Option<String>,
    /// Name of the host.
    pub host: String,
    /// What the person's settings say.
    pub setup: Setup,
    /// Zone in which the person types times.
    pub zone: TimeZone,
    /// Edits that were broken off, each in a sentence.
    pub broken_off: Vec<String>,
    /// Terminals of consoles that were killed since the last start.
    pub unfinished: Vec<Text>,
    /// What must be so for a copied text to arrive; empty where only the terminal decides.
    pub clipboard_needs: &'static str,
    /// Where the session is recorded; `None` for nowhere.
    pub recorder: Option<recorder::Setup>,
    /// What is practised, and what comes from its world.
    pub lesson: Option<Lesson>,
}

/// A game on top of a session.
#[derive(Debug)]
pub struct Lesson {
    /// What is to be solved.
    pub task: Task,
    /// What its world measures ([`Event::Traffic`]).
    pub pulse: Receiver<Event>,
}

/// What a kiosk's session begins with: neither who acts nor who reads is among it. It looks at what
/// another process sees, and has no way to more.
///
/// ```compile_fail,E0560
/// use gatemedic::engine::{crew::Crew, live::Watch};
/// fn begin(watch: Watch, crew: Crew) -> Watch {
///     Watch { crew: Some(crew), ..watch }
/// }
/// ```
#[derive(Debug)]
pub struct Watch {
    /// What the broker says.
    pub feed: Feed,
    /// How it is run, and its lock.
    pub way: Way,
    /// What the person has set; no key of it acts here.
    pub setup: Setup,
    /// Name of the host.
    pub host: String,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person left.
    Quit,
    /// A signal asked for it.
    Signal(Signal),
    /// The terminal is gone.
    Lost,
    /// The process that reads is gone, and that has been shown.
    Severed,
    /// The player goes on to another game.
    Onward(Onward),
}

impl End {
    /// It in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Quit => "left",
            Self::Signal(_) => "ended by a signal",
            Self::Lost => "the terminal is gone",
            Self::Severed => "the process that reads is gone",
            Self::Onward(_) => "went on to another game",
        }
    }
}
