//! What a broker and a screen say to each other.

use serde::{Deserialize, Serialize};

use crate::{
    host::broker::RECORD,
    observation::{BlindSpot, Moment, Observation, Seen, Text},
    session::{AuditLine, BrokerWord, Event},
};

/// What a screen may ask: all of it. Each is one byte, so that there is nothing in an ask to choose a
/// file, a process or a place by. Any other byte ends the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Begin. The first ask, and no later one.
    Hello,
    /// Read the audit.
    Audit,
}

impl Ask {
    /// Its byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Hello => b'H',
            Self::Audit => b'A',
        }
    }

    /// What a byte asks, if anything.
    pub const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'H' => Some(Self::Hello),
            b'A' => Some(Self::Audit),
            _ => None,
        }
    }
}

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
    /// The audit, or why it cannot be read.
    Audit(Result<Vec<AuditLine>, String>),
}

impl Said {
    /// The record. What is longer than a record may be is left out, and that is said instead.
    pub fn record(&self) -> Vec<u8> {
        let long = |record: &Vec<u8>| record.len() > RECORD;
        let record = serde_json::to_vec(self).unwrap_or_default();
        if !record.is_empty() && !long(&record) {
            return record;
        }
        let instead = match self {
            Self::Seen(seen) => Self::Seen(Box::new(left_out(seen))),
            _ => Self::Audit(Err("it is too long for a kiosk".to_owned())),
        };
        serde_json::to_vec(&instead).unwrap_or_default()
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
            Self::Audit(lines) => Event::Audit(lines),
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
    use crate::observation::SourceId;

    #[test]
    fn two_bytes_are_asks_and_no_other() {
        let asks: Vec<u8> = (0..=u8::MAX).filter(|byte| Ask::of(*byte).is_some()).collect();
        assert_eq!(asks, [Ask::Audit.byte(), Ask::Hello.byte()]);
    }

    #[test]
    fn what_does_not_fit_is_a_blind_spot_of_its_source() {
        let lines = vec![
            AuditLine {
                sequence: 1,
                at: crate::observation::Wall(0),
                who: Text::new("x".repeat(60_000)),
                what: Text::default(),
                result: Text::default(),
                intact: true,
            };
            200
        ];
        let said = Said::of(&Said::Audit(Ok(lines)).record()).unwrap();
        assert!(matches!(said, Said::Audit(Err(_))), "{said:?}");
        let spot = left_out(&Observation {
            at: Moment::default(),
            source: SourceId::Gateways,
            seen: Seen::Sighted,
        });
        assert!(matches!(spot.seen, Seen::Blind(spot) if spot.source == SourceId::Gateways));
    }

    proptest! {
        #[test]
        fn no_record_makes_the_reader_fail(record: Vec<u8>) {
            let _ = Said::of(&record);
        }
    }
}
