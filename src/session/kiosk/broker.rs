//! What the broker says besides what its sources see: that it lives, that it has diagnosed, and at
//! last that it is gone.

use std::sync::Arc;

use crate::{
    evidence::admit,
    observation::{BlindSpot, Observation, Seen, SourceId, Text},
    session::{BrokerWord, Effect, Knowledge, Model, model::settle},
};

impl Model {
    /// Takes a word of the broker.
    pub(in crate::session) fn told(
        &mut self,
        word: &BrokerWord,
        knowledge: Knowledge,
    ) -> Vec<Effect> {
        match word {
            BrokerWord::Alive(at) => {
                self.case.now = self.case.now.max(*at);
                self.stale = true;
                Vec::new()
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
        session::{
            Event,
            kiosk::{Kiosk, LockFact, Way},
            update,
        },
    };

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
    fn the_line_of_the_lock_names_what_is_missing() {
        let mut way = Way::default();
        assert!(way.lock_line().starts_with("UI-only lock"));
        way.lock = vec![LockFact::held("user", "nobody"), LockFact::held("read a file", "EPERM")];
        assert_eq!(way.lock_line(), "locked: all of 2 checks hold");
        way.lock.push(LockFact::missing("Landlock", "not there"));
        assert_eq!(way.lock_line(), "UI-only lock, missing: Landlock");
    }
}
