//! The document that all formats are written from. Its texts have passed [`super::shown`]; times are
//! told in the zone of the reader.

use serde::Serialize;

/// The schema's name.
pub(super) const SCHEMA: &str = "gatemedic.postmortem/1";

/// A post-mortem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PostMortem {
    /// The schema's name.
    pub schema: &'static str,
    /// The host.
    pub host: String,
    /// What it was written from, and as of when.
    pub written_from: String,
    /// The zone that times are told in.
    pub zone: String,
    /// Its title.
    pub title: String,
    /// How things stand: `failing`, `over`, `quiet`.
    pub state: &'static str,
    /// What, since when, the cause and the repair, in a few sentences.
    pub headline: String,
    /// The figures that a reader asks for first.
    pub figures: Vec<Figure>,
    /// What it cost.
    pub impact: Impact,
    /// What happened when.
    pub timeline: Timeline,
    /// The cause; `None` when none was named.
    pub cause: Option<Cause>,
    /// What is said where no cause is.
    pub cause_note: String,
    /// Other causes that stood beside it.
    pub others: Vec<Other>,
    /// What was done.
    pub deeds: Vec<Deed>,
    /// What is to be said about the list of deeds; empty for nothing.
    pub deeds_note: String,
    /// What changed before.
    pub changes: Vec<Change>,
    /// What is to be said about the list of changes; empty for nothing.
    pub changes_note: String,
    /// The checklist.
    pub prevention: Vec<Precaution>,
    /// What was out of sight.
    pub unseen: Vec<Unseen>,
    /// What was lost.
    pub lost: Vec<String>,
    /// Log lines as they were written.
    pub lines: Vec<Line>,
    /// Programs and their versions, logs that were read.
    pub sources: Vec<Figure>,
}

/// A name and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// How much.
    pub value: String,
    /// In what way; empty for nothing.
    pub note: String,
}

/// What it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// What was counted, or why nothing was, in a sentence.
    pub counted: String,
    /// By status, with their share in hundredths.
    pub statuses: Vec<Share>,
    /// By upstream.
    pub upstreams: Vec<Share>,
    /// By method and path.
    pub urls: Vec<Share>,
    /// By virtual host.
    pub hosts: Vec<Share>,
}

/// A value and how many failures had it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The value.
    pub name: String,
    /// Failures with it.
    pub failures: u64,
    /// Their share of those that are listed with it, in whole percent.
    pub percent: u64,
}

/// What happened when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The day and the zone of its beginning.
    pub day: String,
    /// Minutes that one bar stands for.
    pub step: i64,
    /// Bars from the first to the last, without a gap.
    pub bars: Vec<Bar>,
    /// Labels below the axis: place in thousandths of its length, and time.
    pub ticks: Vec<(u32, String)>,
    /// Moments, oldest first.
    pub marks: Vec<Mark>,
    /// Moments that were left out.
    pub more: usize,
}

/// Some minutes of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// When they begin.
    pub at: String,
    /// Failures by status; 0 where it is not told.
    pub by_status: Vec<(u16, u64)>,
    /// Requests in those of them with failures; `None` where that is not known.
    pub requests: Option<u64>,
    /// Whether anything is known of them.
    pub known: bool,
}

impl Bar {
    /// Failures in it.
    pub fn failures(&self) -> u64 {
        self.by_status.iter().map(|(_, n)| *n).fold(0, u64::saturating_add)
    }
}

/// A moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When.
    pub at: String,
    /// Its place on the axis in thousandths; `None` outside of it.
    pub place: Option<u32>,
    /// What it is, in a word or two.
    pub kind: &'static str,
    /// Its shape.
    pub shape: &'static str,
    /// `bad`, `warn`, `good`, `accent` or `plain`.
    pub tone: &'static str,
    /// What happened.
    pub what: String,
    /// Where that was read.
    pub source: String,
}

/// A cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// How sure; empty where that was not kept.
    pub confidence: String,
    /// What was found.
    pub summary: String,
    /// Since when; empty where that is not known.
    pub since: String,
    /// What this cause is, for somebody who meets it for the first time.
    pub what: String,
    /// How it becomes what the visitor sees.
    pub why: String,
    /// What cures it.
    pub fix: String,
    /// What does not.
    pub do_not: String,
    /// Evidence for it.
    pub evidence: Vec<Evidence>,
    /// Evidence against it.
    pub against: Vec<Evidence>,
    /// What would have decided and could not be had.
    pub missing: Vec<String>,
    /// What it explains.
    pub explains: Vec<String>,
    /// The change before it; empty for none.
    pub changed_before: String,
    /// What is to be said about where this comes from; empty for nothing.
    pub note: String,
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What.
    pub what: String,
    /// Where it was read; empty where that was not kept.
    pub origin: String,
    /// When; empty for a state.
    pub at: String,
}

/// A cause beside the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Its id.
    pub id: String,
    /// How sure.
    pub confidence: String,
    /// What was found.
    pub summary: String,
    /// Whether its effect was over.
    pub over: bool,
}

/// Something that was done with this program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// What.
    pub what: String,
    /// Against which cause; empty where none was named.
    pub against: String,
    /// As commands.
    pub commands: Vec<String>,
    /// How it ended, in a word.
    pub verdict: String,
    /// `good`, `warn` or `bad`.
    pub tone: &'static str,
    /// What came of it.
    pub result: String,
    /// How long it took; empty where that is not known.
    pub took: String,
}

/// A change of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub at: String,
    /// How long before the first failure; empty without one.
    pub distance: String,
    /// What.
    pub what: String,
    /// Where that was read.
    pub source: String,
    /// Whether it touches what failed.
    pub near: bool,
}

/// A row of the checklist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Precaution {
    /// Its id.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What it is good for.
    pub why: &'static str,
    /// For whom.
    pub whom: String,
    /// `lacking`, `unknown` or `present`.
    pub standing: &'static str,
    /// Whether it would have mattered this time.
    pub this_time: bool,
    /// What the standing rests on.
    pub evidence: Vec<Evidence>,
    /// Where to add something; empty for nothing.
    pub place: String,
    /// What to add.
    pub add: Vec<String>,
    /// What makes it count.
    pub then: Vec<String>,
    /// What must be thought of; empty for nothing.
    pub mind: &'static str,
}

/// Something that was out of sight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// Who was blind.
    pub source: &'static str,
    /// To what.
    pub what: String,
    /// Why.
    pub why: String,
    /// What that hides; empty where that is not known.
    pub hides: String,
    /// What opens it; empty for nothing.
    pub grant: String,
}

/// A log line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When it was written last.
    pub at: String,
    /// Where it was read.
    pub origin: String,
    /// How often a line like it was written.
    pub count: u64,
    /// What it means; empty where that is not known.
    pub meaning: String,
    /// The line.
    pub text: String,
}
