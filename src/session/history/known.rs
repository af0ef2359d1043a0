//! What is known of a cause from before.

use std::{cmp::Reverse, fmt::Write as _};

use jiff::tz::TimeZone;

use crate::{
    diagnosis::{Diagnosis, Finding},
    observation::{Text, Wall},
};

use super::{Incident, Repair, State, Trouble, day, lasted};

/// The history as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Incidents, the newest first.
    pub incidents: Vec<Incident>,
    /// What a person should know about it, in a sentence: that it is damaged, or not kept.
    pub notice: Option<Text>,
}

/// That a cause was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before<'a> {
    /// Each time, the newest first.
    pub all: Vec<&'a Incident>,
    /// The last time.
    pub last: &'a Incident,
    /// The newest time that a repair fixed it.
    pub fixed: Option<(&'a Incident, &'a Repair)>,
}

impl History {
    /// What is known of a finding from before the present incident.
    pub fn before(&self, finding: &Finding, diagnosis: &Diagnosis) -> Option<Before<'_>> {
        let now = diagnosis.as_of;
        let (subject, incident) = (Trouble::subject(&finding.subject), &diagnosis.incident);
        let first = incident.first.filter(|_| incident.present).or(finding.since).unwrap_or(now);
        let was = |past: &&Incident| {
            past.trouble.cause.raw() == finding.cause
                && past.trouble.subject.raw() == subject
                && !past.touches(first, now.max(first))
                && past.first < first
                && past.state_at(now) != State::Open
        };
        let mut all: Vec<&Incident> = self.incidents.iter().filter(was).collect();
        all.sort_by_key(|past| Reverse(past.first));
        let last = *all.first()?;
        let fixed = all.iter().find_map(|past| past.fix().map(|fix| (*past, fix)));
        Some(Before { all, last, fixed })
    }
}

impl Before<'_> {
    /// `seen 3 times, last on 12 Nov, fixed by start php8.2-fpm.service in 40 s`.
    pub fn words(&self, zone: &TimeZone, now: Wall) -> String {
        let last = day(self.last.first, zone, now);
        let mut words = match self.all.len() {
            1 => format!("seen once, {last}"),
            times => format!("seen {times} times, last {last}"),
        };
        match self.fixed {
            Some((incident, fix)) => {
                let secs = fix.secs.map(|secs| format!(" in {}", lasted(secs)));
                let when = if incident.id == self.last.id {
                    String::new()
                } else {
                    format!("{} ", day(incident.first, zone, now))
                };
                let secs = secs.unwrap_or_default();
                let _ = write!(words, ", {when}fixed by {}{secs}", fix.action);
            }
            None if self.last.state_at(now) == State::Closed => {
                let secs = lasted(self.last.secs());
                let changed = self.last.changed.as_ref();
                let changed = changed.map(|changed| format!(": {changed}")).unwrap_or_default();
                let _ = write!(words, ", over after {secs}{changed}");
            }
            None => words.push_str(", nobody watched its end"),
        }
        words
    }
}
