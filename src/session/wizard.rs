//! The wizard in a session: its keys, what it sees, and what it remembers.

use crate::{
    remedy::{Onward, Standing, Tried, Wizard, look::Measured, senior},
    verification::Verdict,
};

use super::{
    Effect, Key, Layer, Model, Powers,
    keymap::Command,
    recovery::{Past, Purpose},
};

/// The step of the checklist at which prevention begins.
const PREVENTION: &str = "restart";

impl Model {
    /// Takes up what [`Effect::Remember`] kept before this session.
    pub fn restore(&mut self, text: &str) {
        self.wizard = Wizard::recall(text);
    }

    /// Does what a key of the wizard asks for.
    pub(super) fn walk(&mut self, command: Command, key: Key) -> Vec<Effect> {
        match command {
            Command::Wizard => return self.enter_wizard(),
            Command::Onward => return self.onward(key),
            Command::Repair => return self.act_here(key),
            Command::Skip => {
                let layer = Layer::Reason { typed: String::new(), cursor: 0 };
                self.view.layers.push(layer);
                return vec![Effect::Draw];
            }
            Command::Senior => {
                self.view.layers.push(Layer::Senior { top: 0 });
                return vec![Effect::Draw];
            }
            _ => {}
        }
        let Some(wizard) = self.wizard.as_mut() else { return Vec::new() };
        match command {
            Command::Backward => drop(wizard.back()),
            Command::Depth => wizard.depth = wizard.depth.next(),
            Command::Track if wizard.track == crate::remedy::Track::Path => {
                wizard.checklist(self.playbooks);
            }
            Command::Track => {
                let closed = std::mem::take(&mut wizard.closed);
                *wizard = Wizard::begin(&self.diagnosis, self.playbooks, wizard.depth);
                wizard.closed = closed;
            }
            _ => {}
        }
        self.walked("")
    }

    fn enter_wizard(&mut self) -> Vec<Effect> {
        let fresh = self.wizard.as_ref().is_none_or(|w| w.over || w.here(self.playbooks).is_none());
        if fresh {
            let depth = self.wizard.as_ref().map(|w| w.depth).unwrap_or_default();
            let mut wizard = Wizard::begin(&self.diagnosis, self.playbooks, depth);
            let fixed =
                self.recovery.past.last().is_some_and(|p| p.verdict == Some(Verdict::Fixed));
            if fixed && self.diagnosis.findings.is_empty() {
                wizard.checklist_from(self.playbooks, PREVENTION);
            }
            self.wizard = Some(wizard);
        }
        self.view.layers.push(Layer::Wizard { top: 0 });
        self.walked("")
    }

    fn onward(&mut self, key: Key) -> Vec<Effect> {
        self.look_here();
        let standing = self.standing.clone();
        let at = self.case.now.wall;
        let Some(wizard) = self.wizard.as_mut() else { return Vec::new() };
        if wizard.over {
            return Vec::new();
        }
        match wizard.onward(self.playbooks, &self.diagnosis, standing.as_ref(), at) {
            Onward::Ask(_) => self.act_here(key),
            Onward::Stays(why) => self.walked(why),
            Onward::Moved | Onward::Over => self.walked(""),
        }
    }

    /// Prepares what the step offers. A session that only looks shows the command instead.
    fn act_here(&mut self, key: Key) -> Vec<Effect> {
        if self.powers < Powers::Act {
            return self
                .walked("this session only looks: run the command by hand, or skip the step");
        }
        if self.recovery.is_acting() {
            return self.look_at_run();
        }
        let plan = match &self.standing {
            Some(Standing::Act(plan)) => Some((**plan).clone()),
            Some(Standing::Look(Measured { acts, .. })) => acts.first().cloned(),
            _ => None,
        };
        match plan {
            Some(plan) => self.prepare(plan, key, Purpose::Repair),
            None => self.walked("this step has nothing to do: Enter goes on"),
        }
    }

    /// The reason of a skip has been typed.
    pub(super) fn skipped(&mut self) -> Vec<Effect> {
        let Some(Layer::Reason { typed, .. }) = self.view.layers.pop() else { return Vec::new() };
        let at = self.case.now.wall;
        let Some(wizard) = self.wizard.as_mut() else { return Vec::new() };
        match wizard.skip(self.playbooks, &self.diagnosis, &typed, at) {
            Onward::Stays(why) => self.walked(why),
            _ => self.walked(""),
        }
    }

    /// A run is over: its verdict closes the step that began it.
    pub(super) fn wizard_heard(&mut self, past: &Past) {
        let Some(wizard) = self.wizard.as_mut().filter(|_| !past.undo) else { return };
        let verdict = match past.verdict {
            Some(Verdict::Fixed) if past.failed() => Verdict::NotFixed,
            Some(verdict) => verdict,
            None => Verdict::CannotTell,
        };
        let heard = wizard.heard(self.playbooks, &self.diagnosis, &past.plan, verdict, past.at);
        if heard {
            self.look_here();
        }
    }

    /// Measures the present step anew.
    pub(super) fn look_here(&mut self) {
        let wizard = self.wizard.as_ref().filter(|w| !w.over);
        self.standing = wizard.and_then(|wizard| {
            wizard.standing(self.playbooks, &self.case, &self.diagnosis, &self.offers)
        });
    }

    /// After a move: looks again, scrolls up, remembers.
    fn walked(&mut self, said: &'static str) -> Vec<Effect> {
        self.look_here();
        self.wizard_said = said;
        if let Some(Layer::Wizard { top }) = self.view.layers.last_mut() {
            *top = 0;
        }
        let kept = self.wizard.as_ref().map(Wizard::remember);
        kept.map(Effect::Remember).into_iter().chain([Effect::Draw]).collect()
    }

    /// The text for somebody senior.
    pub fn senior(&self) -> Vec<String> {
        let past = self.recovery.past.iter();
        let tried: Vec<Tried> = past
            .map(|past| Tried {
                at: past.at,
                what: past.plan.words(),
                result: past.words().to_owned(),
            })
            .collect();
        senior(&self.host, &self.diagnosis, &tried, self.wizard.as_ref(), self.playbooks)
    }
}
