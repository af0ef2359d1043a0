//! What a recording holds.

use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::Diagnosis,
    observation::{Address, GatewayId, Moment, Observation, SourceId, Text},
    remedy::Progress,
};

use super::export::each_text;

/// How a recorded session was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The console.
    #[default]
    Console,
    /// `record`, without a screen.
    Record,
    /// `fix`.
    Fix,
    /// One look: `diagnose --record`, and every recording as lines of JSON.
    Look,
    /// A console on a world that was made for practice.
    Practice,
}

/// The first entry of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Version of the program that wrote it.
    pub gatemedic: Text,
    /// Name of the host; empty where it was left out.
    pub host: Text,
    /// The kernel's id of this start of the host: boot clocks of two ids cannot be compared.
    pub boot_id: Text,
    /// IANA name of the host's time zone; empty where it has none.
    pub zone: Text,
    /// How the session was started.
    pub how: How,
    /// Whether the session could act.
    pub acts: bool,
    /// When the session began (not this file, which may be a later part of it).
    pub began: Moment,
    /// Process that recorded.
    pub pid: u32,
    /// Which part of the session this file is, from 0.
    pub part: u32,
    /// Sources that ran.
    pub sources: Vec<SourceId>,
    /// Marks of redacted secrets can be compared only between recordings with the same one.
    pub redaction: Text,
    /// Whether it was composed by hand and never happened.
    pub composed: bool,
}

/// What somebody did, or what the process that carries out said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub enum Deed {
    /// A plan was handed over to be checked; nothing is done yet.
    Prepare {
        /// Id of the cause that it is to cure; empty for none.
        cause: Text,
        /// Whom it concerns.
        whom: Text,
        /// What it does, in one line.
        what: Text,
        /// Only to look whether it could be done.
        rehearsal: bool,
        /// What is proven to be repaired once it is judged fixed: gateways, each with an address
        /// that failed there, or as a whole.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proven: Vec<(GatewayId, Option<Address>)>,
    },
    /// Something that was done is to be taken back; without a number, the newest.
    TakeBack {
        /// Number of its record in the audit.
        sequence: Option<u64>,
    },
    /// A person said yes.
    Confirm,
    /// A person said: keep it.
    Keep,
    /// A person said: take it back.
    Revert,
    /// A person left it.
    Abandon,
    /// What the process that carries out said. A nonce in it is left out.
    Progress {
        /// Its words.
        said: Box<Progress>,
    },
    /// The process that carries out was lost.
    Lost {
        /// Why, in words.
        why: Text,
    },
}

impl Deed {
    /// What the process that carries out said, without its nonce, and redacted; `None` where that
    /// cannot be made so, and for what it says again every second.
    pub fn said(progress: &Progress) -> Option<Self> {
        let mut value = match progress {
            Progress::Keeping { .. } => return None,
            Progress::Ready { digest, type_name, .. } => {
                let (digest, type_name) = (*digest, type_name.clone());
                serde_json::to_value(Progress::Ready { digest, nonce: String::new(), type_name })
            }
            other => serde_json::to_value(other),
        }
        .ok()?;
        each_text(&mut value, &|text| Text::new(text).raw().to_owned());
        Some(Self::Progress { said: Box::new(serde_json::from_value(value).ok()?) })
    }
}

/// What the session itself came to, with the rules of its day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// `healthy`, `degraded`, `failing`, `unknown`.
    pub status: Text,
    /// Id of the first finding's cause; empty for none.
    pub cause: Text,
    /// `possible`, `likely`, `confirmed`; empty for none.
    pub confidence: Text,
    /// The first finding in one sentence; empty for none.
    pub summary: Text,
    /// Findings in all.
    pub findings: usize,
}

impl Mark {
    /// The head of a diagnosis.
    pub fn of(diagnosis: &Diagnosis) -> Self {
        let first = diagnosis.findings.first();
        Self {
            status: Text::from(diagnosis.status.as_str()),
            cause: first.map(|first| Text::from(first.cause)).unwrap_or_default(),
            confidence: first.map(|f| Text::from(f.confidence.as_str())).unwrap_or_default(),
            summary: first.map(|first| Text::new(&first.summary)).unwrap_or_default(),
            findings: diagnosis.findings.len(),
        }
    }
}

/// One entry of a recording, in the order in which the session folded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// What follows was recorded by this session. A file has one at its beginning, unless it is
    /// damaged there.
    Begin(Box<Header>),
    /// A source saw something. What the recorder shed or the file lost is a [`crate::observation::Gap`]
    /// among these.
    Seen(Box<Observation>),
    /// Somebody did something.
    Deed {
        /// When.
        at: Moment,
        /// Who: user, and from where; empty for the process that carries out.
        #[serde(default)]
        who: Text,
        /// What.
        #[serde(flatten)]
        deed: Deed,
    },
    /// The session had diagnosed, and the head of its diagnosis had changed.
    Mark {
        /// When.
        at: Moment,
        /// To what.
        #[serde(flatten)]
        mark: Mark,
    },
    /// Records are missing here: damaged, or cut out. Only a reader makes it.
    Lost {
        /// When the last entry before them was.
        at: Moment,
        /// How many.
        records: u64,
        /// Where in the file, in bytes.
        place: u64,
    },
    /// The session ended and said so. Its last file has one, unless it was killed.
    End {
        /// When.
        at: Moment,
        /// How, in words.
        why: Text,
    },
}

impl Entry {
    /// When it was seen or done.
    pub fn at(&self) -> Moment {
        match self {
            Self::Begin(header) => header.began,
            Self::Seen(seen) => seen.at,
            Self::Deed { at, .. }
            | Self::Mark { at, .. }
            | Self::Lost { at, .. }
            | Self::End { at, .. } => *at,
        }
    }
}
