//! What was lost of a recording, and why one is not read at all.

/// Places of damage that are told apart.
const PLACES: usize = 32;

/// What could not be read of a recording, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Records that are missing by their numbers: of frames that are damaged or gone.
    pub records: u64,
    /// Bytes that belong to no whole frame.
    pub bytes: u64,
    /// Where in the file, in bytes: the first few damaged places.
    pub places: Vec<u64>,
    /// Records of a kind that this version does not know.
    pub unknown: u64,
    /// Records that confirm one that is missing.
    pub unresolved: u64,
    /// Whether it breaks off within a record: the process that wrote it was killed, or still writes.
    pub torn: bool,
}

impl Damage {
    /// Whether nothing is missing.
    pub const fn is_none(&self) -> bool {
        self.records == 0 && self.bytes == 0 && self.unknown == 0 && !self.torn
    }

    /// It in a sentence; empty where nothing is missing.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if self.records > 0 || self.bytes > 0 {
            let at = self.places.first().map(|at| format!(" at byte {at}")).unwrap_or_default();
            parts.push(match self.records {
                0 => format!("{} bytes damaged{at}", self.bytes),
                1 => format!("1 record lost{at}"),
                many => format!("{many} records lost{at}"),
            });
        }
        if self.torn {
            parts.push("it breaks off within its last record".to_owned());
        }
        if self.unknown > 0 {
            parts.push(format!("{} records of a kind that is not known here", self.unknown));
        }
        parts.join("; ")
    }

    pub(super) fn at(&mut self, place: u64) {
        if self.places.len() < PLACES && self.places.last() != Some(&place) {
            self.places.push(place);
        }
    }
}

/// Why something is not read as a recording. It says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No frame and no line of a recording.
    #[error("it is not a recording")]
    NotARecording,
    /// A version that did not exist when this program was made.
    #[error("it was recorded by a newer gatemedic (format {0}; this one reads up to {VERSION})", VERSION = super::VERSION)]
    Newer(u8),
}
