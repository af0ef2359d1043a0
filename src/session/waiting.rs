//! What the person waits for, and for how long.

use crate::observation::Wall;

use super::{Effect, Model, recovery::Stage};

/// Something that was asked for and has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The record of deeds.
    Audit,
    /// A file to edit.
    File,
    /// The file of a saved screen.
    Screen,
    /// The files of a post-mortem.
    Report,
}

impl Wait {
    const fn words(self) -> &'static str {
        match self {
            Self::Audit => "reading the audit",
            Self::File => "reading the file",
            Self::Screen => "saving the screen",
            Self::Report => "writing the report",
        }
    }
}

impl Model {
    /// Begins to wait.
    pub(super) fn wait(&mut self, wait: Wait) {
        self.waits = Some((wait, self.case.now.wall));
    }

    /// Has the post-mortem written, unless the cause is still to be found by the person.
    pub(super) fn report(&mut self) -> Vec<Effect> {
        if self.is_veiled() {
            "the report tells the cause: name it first".clone_into(&mut self.said);
            return Vec::new();
        }
        self.wait(Wait::Report);
        vec![Effect::SaveReport, Effect::Draw]
    }

    /// It has come.
    pub(super) fn waited(&mut self, wait: Wait) {
        self.waits.take_if(|(open, _)| *open == wait);
    }

    /// What is waited for, in words, and for how many seconds.
    pub fn waiting(&self) -> Option<(&'static str, i64)> {
        let now = self.case.now.wall;
        let run = self.recovery.run.as_ref().filter(|run| run.stage() == Stage::Preparing);
        if let Some(run) = run {
            let words =
                if run.checks.is_empty() { "looking at the machine" } else { "checking the plan" };
            return Some((words, now.since(run.began).as_secs()));
        }
        let (wait, since) = self.waits?;
        let secs = now.since(since).as_secs();
        // Most of it comes at once: words for an instant would only flicker.
        (secs > 0).then(|| (wait.words(), secs))
    }

    /// Seconds since the session began to look, while it still waits for the first answers.
    pub fn looking_for(&self) -> Option<i64> {
        let known = self.began != Wall::default() && self.shown().is_looking();
        known.then(|| self.case.now.wall.since(self.began).as_secs())
    }

    /// Seconds since the picture is held still.
    pub fn held_for(&self) -> Option<i64> {
        let held = self.view.held.as_ref()?;
        Some(self.case.now.wall.since(held.since()).as_secs())
    }
}
