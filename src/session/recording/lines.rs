//! Recordings as lines of JSON: a header line, then one observation a line. The incidents of this
//! project's tests are such.

use memchr::memchr_iter;
use serde::Deserialize;

use crate::observation::Observation;

use super::{
    entry::{Entry, Header, How},
    packing::UNPACKED_LIMIT,
};

/// What the header line says.
pub const SCHEMA: &str = "gatemedic.events/1";
/// Values in one line: those of some fifty thousand processes.
const MOST_VALUES: usize = 2 << 20;
/// Longest line in bytes.
pub(super) const LONGEST: usize = UNPACKED_LIMIT;

#[derive(Deserialize)]
struct HeaderLine {
    schema: String,
    #[serde(default)]
    composed: bool,
    #[serde(default)]
    recording: Option<Box<Header>>,
}

/// The first line; `None` where it is not one of a recording.
pub(super) fn header(line: &[u8]) -> Option<Entry> {
    let line: HeaderLine = serde_json::from_slice(line).ok()?;
    let plain =
        || Box::new(Header { how: How::Look, composed: line.composed, ..Header::default() });
    (line.schema == SCHEMA).then(|| Entry::Begin(line.recording.unwrap_or_else(plain)))
}

/// Whether a line holds more values than any observation: an empty text takes three bytes of a line and
/// many times that in memory.
pub(super) fn is_dense(line: &[u8]) -> bool {
    line.len() > MOST_VALUES && memchr_iter(b',', line).count() > MOST_VALUES
}

/// Any other line.
pub(super) fn line(line: &[u8]) -> Option<Entry> {
    if is_dense(line) {
        return None;
    }
    let seen: Result<Observation, _> = serde_json::from_slice(line);
    seen.map(|seen| Entry::Seen(Box::new(seen))).ok()
}
