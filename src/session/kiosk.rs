//! A session on a wall: nobody need be there, another process reads for it, and its screen is
//! locked.

use std::sync::Arc;

use crate::{
    evidence::admit,
    observation::{BlindSpot, Moment, Observation, Seen, SourceId, Text},
};

use super::{Effect, Knowledge, LockFact, Model, event::BrokerWord, model::settle};

/// Seconds without a word of the broker after which what is shown is old.
const SILENCE: u64 = 5;

/// What a kiosk is told at its start, and how its broker stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kiosk {
    /// Seconds that a page stands.
    pub page_secs: u64,
    /// Whether a change for the worse rings the terminal's bell.
    pub bell: bool,
    /// Whether keys are looked at.
    pub keys: bool,
    /// The parts of the lock, then what was tried against it.
    pub lock: Vec<LockFact>,
    /// When the broker last said that it lives.
    pub heard: Option<Moment>,
    /// Why the broker is gone, when it is: the screen ends soon after.
    pub gone: Option<String>,
}

impl Kiosk {
    /// Whether every part of the lock holds and every try against it was refused.
    pub fn is_locked(&self) -> bool {
        !self.lock.is_empty() && self.lock.iter().all(|fact| fact.holds)
    }

    /// The lock in one line.
    pub fn lock_line(&self) -> String {
        let open: Vec<&str> =
            self.lock.iter().filter(|fact| !fact.holds).map(|fact| fact.what).collect();
        if self.is_locked() {
            return format!("locked: all of {} checks hold", self.lock.len());
        }
        let what = if open.is_empty() { "not locked".to_owned() } else { open.join(", ") };
        format!("UI-only lock, missing: {what}")
    }

    /// Seconds since the broker's last word, once that is too long; `None` while it speaks, and
    /// before it began to.
    pub fn silent_secs(&self, now: Moment) -> Option<u64> {
        let secs = now.boot.secs_since(self.heard?.boot);
        (secs >= SILENCE).then_some(secs)
    }

    /// Why what is shown is old, when it is.
    pub fn old(&self, now: Moment) -> Option<String> {
        match (&self.gone, self.silent_secs(now)) {
            (Some(why), _) => Some(format!("the broker is gone ({why}): nothing is seen any more")),
            (None, Some(secs)) => Some(format!("the broker has said nothing for {secs} s")),
            (None, None) => None,
        }
    }
}

impl Model {
    /// Takes a word of the broker.
    pub(super) fn told(&mut self, word: &BrokerWord, knowledge: Knowledge) -> Vec<Effect> {
        match word {
            BrokerWord::Alive(at) => {
                self.case.now = self.case.now.max(*at);
                self.stale = true;
                if let Some(kiosk) = &mut self.kiosk {
                    kiosk.heard = Some(*at);
                }
                vec![Effect::Draw]
            }
            BrokerWord::Settled(generation) => {
                let effects = settle(self, knowledge);
                // The broker's count is the one that its sources answer to.
                if self.attention.generation != *generation {
                    Arc::make_mut(&mut self.attention).generation = *generation;
                }
                effects
            }
            BrokerWord::Gone(why) => {
                self.blind_to_all(why, knowledge);
                if let Some(kiosk) = &mut self.kiosk {
                    kiosk.gone = Some(why.clone());
                }
                settle(self, knowledge)
            }
        }
    }

    /// Nothing can be seen any more: every source is out of sight, and no silence is health.
    fn blind_to_all(&mut self, why: &str, knowledge: Knowledge) {
        for source in SourceId::ALL {
            let spot = BlindSpot {
                source,
                what: Text::from("all"),
                why: Text::new(format!("the broker is gone: {why}")),
                hides: Text::from("everything that this source would have seen"),
                grant: Text::from("start the kiosk again"),
            };
            let seen = Observation { at: self.case.now, source, seen: Seen::Blind(spot) };
            admit(&mut self.case, &seen, knowledge.signatures);
        }
        self.stale = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::Status,
        observation::{Boot, Wall},
        session::{Event, update},
    };

    fn at(secs: u64) -> Moment {
        Moment { wall: Wall(0), boot: Boot(secs * 1_000_000) }
    }

    fn kiosk() -> Model {
        let mut model = Model::new();
        model.sources = SourceId::ALL.to_vec();
        model.kiosk = Some(Kiosk::default());
        model
    }

    fn say(model: &mut Model, word: BrokerWord) {
        update(model, &Event::Broker(word), Knowledge::embedded());
    }

    #[test]
    fn a_broker_that_falls_silent_makes_the_picture_old() {
        let mut model = kiosk();
        say(&mut model, BrokerWord::Alive(at(100)));
        let silent = |model: &Model| model.kiosk.as_ref().unwrap().silent_secs(model.case.now);
        update(&mut model, &Event::Tick(at(104)), Knowledge::embedded());
        assert_eq!(silent(&model), None);
        update(&mut model, &Event::Tick(at(130)), Knowledge::embedded());
        assert_eq!(silent(&model), Some(30));
        let old = model.kiosk.as_ref().unwrap().old(model.case.now).unwrap();
        assert!(old.contains("30 s"), "{old}");
        say(&mut model, BrokerWord::Alive(at(131)));
        assert_eq!(silent(&model), None);
    }

    #[test]
    fn a_broker_that_is_gone_is_said_and_never_taken_for_health() {
        let mut model = kiosk();
        say(&mut model, BrokerWord::Gone("it ended".to_owned()));
        assert_eq!(model.kiosk.as_ref().unwrap().gone.as_deref(), Some("it ended"));
        assert_ne!(model.diagnosis.status, Status::Healthy);
        assert_eq!(model.case.blind.len(), SourceId::ALL.len());
    }

    #[test]
    fn the_generation_is_the_brokers_whatever_was_counted_here() {
        let mut model = kiosk();
        say(&mut model, BrokerWord::Settled(41));
        assert_eq!(model.attention.generation, 41);
    }

    #[test]
    fn the_lock_is_whole_only_when_all_of_it_holds() {
        let mut kiosk = Kiosk::default();
        assert!(!kiosk.is_locked() && kiosk.lock_line().contains("not locked"));
        kiosk.lock = vec![LockFact::held("user", "nobody"), LockFact::held("read a file", "no")];
        assert_eq!(kiosk.lock_line(), "locked: all of 2 checks hold");
        kiosk.lock.push(LockFact::missing("Landlock", "not there"));
        assert_eq!(kiosk.lock_line(), "UI-only lock, missing: Landlock");
    }
}
