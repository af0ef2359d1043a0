//! What stays on the screen when the console is gone: one line.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::diagnosis::Status;

use super::{
    Model,
    figures::{day_clock, span},
    practice,
    recovery::label,
};

impl Model {
    /// The state, its first cause, since when, and what was done about it.
    pub fn summary(&self, zone: &TimeZone) -> String {
        if let Some(words) = practice::parting(self) {
            return words;
        }
        let shown = self.shown_live();
        let (diagnosis, now) = (shown.diagnosis, shown.case.now.wall);
        let state = match diagnosis.status {
            Status::Failing => "FAILING",
            Status::Degraded => "DEGRADED",
            _ if shown.is_looking() => "not everything was looked at yet",
            Status::Healthy => "HEALTHY",
            Status::Unknown => "UNKNOWN",
        };
        let mut line = format!("gatemedic: {state}");
        let zone = if self.view.utc { &TimeZone::UTC } else { zone };
        let incident = &diagnosis.incident;
        if let Some((first, last)) = incident.first.zip(incident.last).filter(|_| incident.present)
        {
            let from = day_clock(first, zone, now);
            if diagnosis.status == Status::Failing {
                let _ = write!(line, " since {from} ({})", span(now.since(first).as_secs()));
            } else {
                let _ =
                    write!(line, ", requests failed from {from} to {}", day_clock(last, zone, now));
            }
        }
        if let Some(cause) = diagnosis.findings.first() {
            let whom = cause.subject.whom();
            let _ = write!(line, ": {} {whom}", cause.cause);
            let more = diagnosis.findings.len() - 1;
            if more > 0 {
                let _ = write!(line, " and {more} more");
            }
        }
        let done: Vec<String> = self
            .recovery
            .past
            .iter()
            .filter(|past| past.sequence.is_some())
            .map(|past| {
                let undo = if past.undo { "take back: " } else { "" };
                format!("; {undo}{}: {}", label(&past.plan), past.words())
            })
            .collect();
        let skip = done.len().saturating_sub(2);
        if skip > 0 {
            let _ = write!(line, "; {skip} repairs before");
        }
        line.push_str(&done.get(skip..).unwrap_or_default().concat());
        if self.recovery.is_acting() {
            line.push_str("; a repair is still under way: gatemedic shows it");
        }
        line
    }
}
