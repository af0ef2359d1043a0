//! What a session keeps of its incidents, and when.

use crate::{
    observation::Text,
    session::{Effect, Model, Powers, recording::session_of, recovery::Purpose},
};

use super::{Done, Entry};

impl Model {
    /// Looks for incidents in the present diagnosis. A session that only looks keeps nothing, and
    /// before all sources have answered nothing is known well enough.
    pub(in crate::session) fn chronicle(&mut self) -> Option<Effect> {
        if self.powers < Powers::Act || self.shown_live().is_looking() {
            return None;
        }
        let entries = self.watch.look(self.case.now, &self.diagnosis);
        effect(self.with_recording(entries))
    }

    /// Follows the repair that is under way.
    pub(in crate::session) fn chronicle_repair(&mut self) -> Option<Effect> {
        let (now, run) = (self.case.now, self.recovery.run.as_ref()?);
        if !run.confirmed || run.purpose == Purpose::Rehearsal || self.powers < Powers::Act {
            return None;
        }
        let ending = run.ending;
        // What ended before is over: its last words may come after its end.
        if !self.watch.is_acting() && ending.is_none() {
            self.watch.begin_repair(now, &run.plan, &self.diagnosis);
        }
        if run.verdict.is_some() {
            self.watch.judged(now);
        }
        let done = Done {
            action: run.words(),
            verdict: run.verdict,
            ending: ending?,
            record: run.sequence,
        };
        let entries = self.watch.end_repair(now, done);
        effect(self.with_recording(entries))
    }

    /// The session ends: what is to be kept of the incidents that it leaves.
    pub fn leave(&mut self) -> Vec<Entry> {
        let entries = self.watch.leave(self.case.now);
        self.with_recording(entries)
    }

    /// Where what led to it can be looked at again.
    fn with_recording(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if let Some(Ok(file)) = &self.recording {
            for entry in &mut entries {
                entry.incident.recording.get_or_insert_with(|| Text::new(session_of(file)));
            }
        }
        entries
    }
}

fn effect(entries: Vec<Entry>) -> Option<Effect> {
    (!entries.is_empty()).then_some(Effect::Chronicle(entries))
}
