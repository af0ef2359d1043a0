//! One record.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{
    observation::Text,
    remedy::{Digest, Ending, Plan},
    verification::Verdict,
};

/// Pieces of evidence that are kept.
const EVIDENCE: usize = 5;
/// Steps and commands that are kept.
const STEPS: usize = 50;
/// Bytes kept of one text.
const TEXT: usize = 1_024;

/// Who acts. Names and addresses come from the environment: they are claims, and hostile text;
/// uid and login uid are the kernel's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Real uid.
    pub uid: u32,
    /// Name of the user, as the environment says.
    pub user: Text,
    /// `SUDO_USER`.
    pub sudo_user: Option<Text>,
    /// `/proc/self/loginuid`: as whom the person logged in, whatever came after.
    pub login_uid: Option<u32>,
    /// The client's address out of `SSH_CONNECTION`.
    pub ssh_client: Option<Text>,
}

impl Who {
    /// Who it was, with every name that is known.
    pub fn words(&self) -> String {
        let mut words = match &self.sudo_user {
            Some(user) => format!("{user} by sudo"),
            None if self.user.is_empty() => format!("uid {}", self.uid),
            None => self.user.to_string(),
        };
        if let Some(uid) = self.login_uid {
            let _ = write!(words, ", logged in as uid {uid}");
        }
        if let Some(client) = &self.ssh_client {
            let _ = write!(words, ", from {client}");
        }
        words
    }
}

/// What is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// Id of the remedy.
    pub remedy: String,
    /// Kinds of the steps.
    pub actions: Vec<String>,
    /// The steps in words.
    pub steps: Vec<Text>,
    /// The same by hand, as words of a command line.
    pub commands: Vec<Vec<Text>>,
    /// Digest of the plan.
    pub plan: Option<Digest>,
    /// Digest of the difference that is made to files; never their content.
    pub diff: Option<Digest>,
}

/// Why it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Id of the cause.
    pub cause: String,
    /// Whom it concerns.
    pub whom: Text,
    /// The finding in a sentence.
    pub finding: Text,
    /// Evidence, the first five pieces.
    pub evidence: Vec<Text>,
}

/// What is going to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Who.
    pub who: Who,
    /// What.
    pub what: What,
    /// Why.
    pub why: Why,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What was seen of the requests, when it was judged.
    pub verdict: Option<Verdict>,
    /// In a sentence.
    pub words: Text,
}

/// Before or after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// It is going to be done.
    Intent(Box<Intent>),
    /// It is over.
    Result {
        /// Sequence of its intent.
        of: u64,
        /// What came of it.
        #[serde(flatten)]
        outcome: Outcome,
    },
}

/// A line before this one that was never finished: the process or the machine ended in the middle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
}

/// Everything in a record but its own hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Version of the format.
    pub version: u32,
    /// Number, from 1.
    pub sequence: u64,
    /// Hash of the record before; zeros for the first.
    pub previous: String,
    /// When, UTC, as RFC 3339 has it.
    pub at: String,
    /// Microseconds since boot: they do not jump.
    pub boot_us: u64,
    /// Which boot.
    pub boot: Text,
    /// An unfinished line that was set aside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub torn: Option<Torn>,
    /// What it is about.
    #[serde(flatten)]
    pub phase: Phase,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it says.
    pub body: Body,
    /// Its hash.
    pub hash: String,
    /// The line as it stands, printable ASCII only.
    pub line: String,
}

fn cut(text: &Text) -> Text {
    let raw = text.raw();
    if raw.len() <= TEXT {
        return text.clone();
    }
    let end = (0..=TEXT).rev().find(|at| raw.is_char_boundary(*at)).unwrap_or(0);
    Text::new(format!("{}…", raw.get(..end).unwrap_or_default()))
}

impl What {
    /// What a plan does, within bounds.
    pub fn of(plan: &Plan, diff: Option<Digest>) -> Self {
        let steps = || plan.steps.iter().take(STEPS);
        let words = |words: Vec<String>| words.iter().map(|word| cut(&Text::new(word))).collect();
        Self {
            remedy: plan.remedy.clone(),
            actions: steps().map(|step| step.kind().to_owned()).collect(),
            steps: steps().map(|step| cut(&Text::new(step.words()))).collect(),
            commands: steps()
                .flat_map(crate::remedy::Action::commands)
                .take(STEPS)
                .map(words)
                .collect(),
            plan: Some(plan.digest()),
            diff,
        }
    }
}

/// How remedies are called that take another back.
pub const TAKE_BACK: &str = "take-back";

impl What {
    /// All steps in one line.
    pub fn title(&self) -> Text {
        let steps: Vec<&str> = self.steps.iter().map(Text::raw).collect();
        let steps = steps.join(", then ");
        if self.remedy.starts_with(TAKE_BACK) {
            Text::new(format!("take back: {steps}"))
        } else {
            Text::new(steps)
        }
    }
}

impl Why {
    /// Why a plan is carried out; the first pieces of evidence are kept.
    pub fn of(plan: &Plan, evidence: &[Text]) -> Self {
        Self {
            cause: plan.cause.clone(),
            whom: cut(&Text::new(&plan.whom)),
            finding: cut(&Text::new(&plan.why)),
            evidence: evidence.iter().take(EVIDENCE).map(cut).collect(),
        }
    }
}

impl Outcome {
    /// Within bounds.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.words = cut(&self.words);
        self
    }
}
