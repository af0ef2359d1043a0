//! What is on screen: the live evidence, or a picture of it that is held still.

use crate::{
    diagnosis::Diagnosis,
    evidence::{CaseFile, lines::Lines},
    observation::{SourceId, Wall},
};

use super::{AuditLine, Model, history::History, recovery::Past, replay::Axis, timeline::Zoom};

/// A picture that is held still.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    case: CaseFile,
    diagnosis: Diagnosis,
}

impl Held {
    /// The time of the picture.
    pub(super) const fn since(&self) -> Wall {
        self.case.now.wall
    }

    /// The lines of all logs in it.
    pub(super) const fn lines(&self) -> &Lines {
        &self.case.lines
    }
}

/// The evidence and the diagnosis that are on screen: the live ones, or those held still.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The evidence.
    pub case: &'a CaseFile,
    /// What it amounts to.
    pub diagnosis: &'a Diagnosis,
    /// Sources that run; empty when that is not known.
    pub sources: &'a [SourceId],
    /// Repairs of this session that are over.
    pub past: &'a [Past],
    /// The audit as last read; empty where it was not.
    pub audit: &'a [AuditLine],
    /// How much of the past the timeline shows.
    pub zoom: Zoom,
    /// The history of this host's incidents, as far as it was read.
    pub history: &'a History,
    /// The time of the recording that is shown; none where the host is looked at live.
    pub replay: Option<&'a Axis>,
    /// Whether the causes are hidden from a player.
    pub veiled: bool,
}

/// Without a word from the pulse for so many seconds, what is on screen is stale.
const STALE_SECS: u64 = 15;

impl Shown<'_> {
    /// Seconds for which nothing has come through, once they make stale what is shown. Most sources
    /// speak only when something changes; the memory sampler always does.
    pub fn stale_secs(&self) -> Option<u64> {
        let heard = self.case.heard.get(&SourceId::Pressure)?;
        Some(self.case.now.boot.secs_since(heard.boot)).filter(|secs| *secs > STALE_SECS)
    }

    /// Sources that have not yet looked at what the first discovery asked for. Once a source has
    /// answered it is not waited for again, so that the screen does not flicker.
    pub fn waiting(&self) -> Vec<SourceId> {
        let first = self.case.swept.values().copied().max().unwrap_or(0).min(1);
        let heard: Vec<SourceId> = self.case.heard.keys().copied().collect();
        let all = if self.sources.is_empty() { &heard } else { self.sources };
        let missing = |id: &&SourceId| self.case.swept.get(id).is_none_or(|g| *g < first);
        all.iter().filter(missing).copied().collect()
    }

    /// Whether nothing can be said yet because sources have not answered.
    pub fn is_looking(&self) -> bool {
        self.case.heard.is_empty() || !self.waiting().is_empty()
    }
}

impl Model {
    /// What is on screen.
    pub fn shown(&self) -> Shown<'_> {
        let (case, diagnosis) = match &self.view.held {
            Some(held) => (&held.case, &held.diagnosis),
            None => (&self.case, &self.diagnosis),
        };
        let audit = self.audit.as_ref().and_then(|read| read.as_ref().ok());
        Shown {
            case,
            diagnosis,
            sources: &self.sources,
            past: &self.recovery.past,
            audit: audit.map_or(&[], Vec::as_slice),
            zoom: self.view.axis,
            history: &self.history,
            replay: self.replay.as_deref(),
            veiled: self.is_veiled(),
        }
    }

    /// What is known now, whatever is on screen.
    pub(super) fn shown_live(&self) -> Shown<'_> {
        Shown { case: &self.case, diagnosis: &self.diagnosis, ..self.shown() }
    }

    /// Holds the picture still, or lets it run.
    pub(super) fn hold(&mut self) {
        if self.view.held.take().is_none() {
            let (case, diagnosis) = (self.case.clone(), self.diagnosis.clone());
            self.view.held = Some(Box::new(Held { case, diagnosis }));
        }
    }

    /// Log lines that came in since the picture is held still.
    pub fn lines_waiting(&self) -> u64 {
        let held = self.view.held.as_ref().map(|held| held.case.logs.lines);
        held.map_or(0, |then| self.case.logs.lines.saturating_sub(then))
    }
}
