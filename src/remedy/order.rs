//! What passes between the screen and the process that carries a plan out: one JSON object a line.
//! The screen is a viewer; whoever carries out owns the plan, the clock and the way back.

use serde::{Deserialize, Serialize};

use crate::{
    observation::{Text, Wall},
    verification::{Judgement, Verdict},
};

use super::{Check, Digest, Plan};

/// From the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Look whether this can be done, and wait for a yes.
    Prepare {
        /// What.
        plan: Box<Plan>,
        /// Only look: there will be no yes.
        rehearsal: bool,
    },
    /// Look whether something that was done can be taken back, and wait for a yes.
    TakeBack {
        /// Number of its record in the audit. Without one, an edit that was broken off, else the
        /// newest deed that can be taken back.
        sequence: Option<u64>,
        /// Only look: there will be no yes.
        rehearsal: bool,
    },
    /// A person said yes to what [`Progress::Ready`] showed.
    Confirm {
        /// The digest that was shown.
        digest: Digest,
        /// The word that came with it; it is good once.
        nonce: String,
        /// The name that was typed, when one was asked for.
        typed: Option<String>,
    },
    /// Keep what was changed.
    Keep,
    /// Take back what was changed.
    Revert,
}

/// From the process that carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "kebab-case")]
pub enum Progress {
    /// What will be taken back.
    TakesBack {
        /// What was done before, in a sentence.
        what: String,
        /// What is done now, step by step.
        words: Vec<String>,
    },
    /// A guard has looked.
    Checked {
        /// What came of it.
        check: Check,
    },
    /// What an edit would change, as a unified diff, redacted.
    Diff {
        /// Which file.
        file: Text,
        /// The lines.
        lines: Vec<Text>,
    },
    /// Everything has been looked at: a yes to this digest is waited for.
    Ready {
        /// Covers the plan, and the files that it starts from and leads to.
        digest: Digest,
        /// To be given back with the yes.
        nonce: String,
        /// The name that must be typed, if one must.
        type_name: Option<String>,
    },
    /// It is not done.
    Refused {
        /// Why, in a sentence.
        why: String,
        /// Commands for a person, when those help.
        by_hand: Vec<String>,
    },
    /// It is written down that it will be done.
    Recorded {
        /// Number of the record.
        sequence: u64,
    },
    /// What the action would destroy has been saved.
    Captured {
        /// Where.
        folder: Text,
    },
    /// A step begins.
    Begins {
        /// Which, from 0.
        step: usize,
    },
    /// A step has been done.
    Done {
        /// Which, from 0.
        step: usize,
        /// What the machine said to it.
        words: String,
    },
    /// The promise is being watched.
    Watching {
        /// How it stands.
        judgement: Judgement,
        /// Seconds since the action.
        secs: u64,
    },
    /// The watch is over.
    Judged {
        /// What became of each promise.
        judgement: Judgement,
        /// In one word.
        verdict: Verdict,
    },
    /// It is taken back by itself unless somebody says keep.
    Keeping {
        /// Seconds left.
        secs: u64,
    },
    /// What was changed has been taken back.
    RolledBack {
        /// Why.
        why: String,
        /// Whether the service answers as before.
        verdict: Verdict,
    },
    /// Neither done nor taken back: a person must look.
    NeedsHuman {
        /// What stands on disk, in a sentence.
        why: String,
        /// Commands that bring the old state back.
        by_hand: Vec<String>,
    },
    /// Somebody else acts on this host.
    Busy {
        /// Who, what and since when.
        who: String,
        /// Since when.
        since: Wall,
    },
    /// Nothing more comes.
    End {
        /// How it ended.
        ending: Ending,
    },
}

/// How a plan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Only looked at.
    Rehearsed,
    /// Not done.
    Refused,
    /// Done and proven.
    Verified,
    /// Done, and not what was promised.
    NotFixed,
    /// Done, and what would tell is out of sight.
    CannotTell,
    /// Done and taken back.
    RolledBack,
    /// A person must look.
    NeedsHuman,
}
