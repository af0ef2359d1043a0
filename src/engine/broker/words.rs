//! What a broker and a screen say to each other.

use serde::{Deserialize, Serialize};

use crate::{
    host::broker::RECORD,
    observation::{BlindSpot, Moment, Observation, Seen, Text},
    session::{BrokerWord, Event},
};

/// All that a screen may ask: to begin. It is one byte and comes once, so that there is nothing in an
/// ask to choose a file, a process or a place by. Any other byte, and a second one, ends the broker.
pub const HELLO: u8 = b'H';

/// What a broker says: one JSON object a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// A source saw something.
    Seen(Box<Observation>),
    /// A second has passed.
    Alive(Moment),
    /// All before it has been diagnosed; the sources look at this generation of attention.
    Settled(u64),
}

impl Said {
    /// The record. What is longer than a record may be is left out, and that is said instead.
    pub fn record(&self) -> Vec<u8> {
        let long = |record: &Vec<u8>| record.len() > RECORD;
        let record = serde_json::to_vec(self).unwrap_or_default();
        if !record.is_empty() && !long(&record) {
            return record;
        }
        match self {
            Self::Seen(seen) => {
                let instead = Self::Seen(Box::new(left_out(seen)));
                serde_json::to_vec(&instead).unwrap_or_default()
            }
            Self::Alive(_) | Self::Settled(_) => record,
        }
    }

    /// What a record says.
    ///
    /// # Errors
    /// When it says nothing that is known.
    pub fn of(record: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(record)
    }

    /// What it is to a session.
    pub fn event(self) -> Event {
        match self {
            Self::Seen(seen) => Event::Seen(seen),
            Self::Alive(at) => Event::Broker(BrokerWord::Alive(at)),
            Self::Settled(generation) => Event::Broker(BrokerWord::Settled(generation)),
        }
    }
}

fn left_out(seen: &Observation) -> Observation {
    let spot = BlindSpot {
        source: seen.source,
        what: Text::from("one observation"),
        why: Text::from("too long for a kiosk"),
        hides: Text::from("what it would have shown"),
        grant: Text::from("look with gatemedic itself"),
    };
    Observation { at: seen.at, source: seen.source, seen: Seen::Blind(spot) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observation::{Process, RunState, SourceId};

    #[test]
    fn what_does_not_fit_is_a_blind_spot_of_its_source() {
        let process = Process {
            pid: 1,
            parent: 0,
            name: Text::from("x"),
            exe: None,
            command: Text::new("x".repeat(60_000)),
            uid: 0,
            state: RunState::Normal,
            start_ticks: 0,
            started: None,
            cgroup: Text::default(),
            owner: None,
            netns: None,
            rss: 0,
        };
        let source = SourceId::Processes;
        let seen = Seen::Processes(vec![process; 200]);
        let said = Said::Seen(Box::new(Observation { at: Moment::default(), source, seen }));
        let Said::Seen(told) = Said::of(&said.record()).unwrap() else { panic!("nothing") };
        assert!(matches!(told.seen, Seen::Blind(spot) if spot.source == SourceId::Processes));
    }

    proptest! {
        #[test]
        fn no_record_makes_the_reader_fail(record: Vec<u8>) {
            let _ = Said::of(&record);
        }
    }
}
