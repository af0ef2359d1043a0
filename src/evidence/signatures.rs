//! The classifier of log lines.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::observation::{Program, Text};

/// Which signature a line matched: a small name that is compared by its id.
#[derive(Clone, Copy, Debug)]
pub struct SignatureId(u16);

impl SignatureId {
    /// Its id as written in `assets/signatures/`, for example `sym-tcp-refused`.
    pub fn as_str(self) -> &'static str {
        let _ = self.0;
        ""
    }
}

/// The words and flags of one signature.
#[derive(Clone, Debug)]
pub struct SignatureInfo {
    /// What the line means.
    pub meaning: String,
}

/// A line that was recognised.
#[derive(Clone, Debug)]
pub struct Match {
    /// What it was recognised as.
    pub id: SignatureId,
    /// The named parts of the line.
    pub captures: BTreeMap<&'static str, Text>,
}

/// Every signature, compiled.
#[derive(Debug)]
pub struct Signatures {}

static EMBEDDED: LazyLock<Signatures> = LazyLock::new(|| Signatures {});

impl Signatures {
    /// The signatures that are part of the program.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// The first signature of `program` that matches, if any.
    pub fn classify(&self, _program: Program, _line: &str) -> Option<Match> {
        None
    }

    /// The words of a signature.
    pub fn info(&self, _id: SignatureId) -> Option<&SignatureInfo> {
        None
    }
}
