//! What is said of a recording beside the diagnosis of a moment in it.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    observation::{Clean, Wall},
    session::replay::Axis,
};

/// The lines above a report: that it is a recording, of when, and what is missing of it.
pub fn head(axis: &Axis, at: Wall, zone: &TimeZone) -> String {
    let time = |at: Wall| {
        let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
        at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    };
    let host = if axis.host.is_empty() { "an unnamed host" } else { axis.host.as_str() };
    let mut text = format!(
        "REPLAY of a recording of {}, begun {}\nas it stood at {}, by the rules of today\n",
        Clean::new(host),
        time(axis.began),
        time(at),
    );
    if axis.composed {
        text.push_str("It was composed by hand: it never happened.\n");
    }
    if !axis.lost.words.is_empty() {
        let words = Clean::new(&axis.lost.words);
        let _ = writeln!(text, "The recording is not whole: {words}.");
    }
    text.push('\n');
    text
}

/// The member `replay` of a diagnosis.
pub fn json(axis: &Axis, at: Wall) -> Value {
    let words = &axis.lost.words;
    json!({
        "began": axis.began.rfc3339(),
        "at": at.rfc3339(),
        "elapsed_ms": axis.at / 1_000,
        "length_ms": axis.end / 1_000,
        "records_lost": axis.lost.records,
        "missing": (!words.is_empty()).then(|| Clean::new(words).to_string()),
        "composed": axis.composed,
    })
}
