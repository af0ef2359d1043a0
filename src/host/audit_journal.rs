//! What the journal remembers of our records: their numbers and hashes. Whoever cuts off or rewrites the
//! records does not reach it by that.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    journald,
    run::{self, Limits},
};
use crate::observation::{Text, Wall};

/// The field that says whose records an entry is about: their folder.
const FIELD: &str = "GATEMEDIC_AUDIT";
/// Entries that are asked for, the newest.
const MOST: &str = "5000";
const LIMITS: Limits = Limits { deadline: Duration::from_secs(5), max_output: 8 << 20 };

/// One record, as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// When the journal took it.
    pub at: Wall,
    /// Number of the record.
    pub sequence: u64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// What is asked of the journal, and how a record stands there.
fn folder(state: &Path) -> String {
    journald::one_line(&state.display().to_string())
}

/// Tells the journal of a record that was written below this folder. Where there is none nothing
/// happens.
pub fn tell(state: &Path, sequence: u64, hash: &str) {
    let message = format!("audit record {sequence} {hash}");
    journald::note(&message, &[(FIELD, &folder(state))]);
}

/// What it remembers of the records below a folder that processes of this user wrote, the oldest first.
///
/// # Errors
/// Why it cannot be asked, in a few words.
pub async fn anchors(state: &Path, uid: u32) -> Result<Vec<Anchor>, Text> {
    let journalctl = run::find("journalctl").ok_or_else(|| Text::from("there is no journalctl"))?;
    // journald itself says who sent an entry: nobody else's is looked at.
    let (folder, uid) = (format!("{FIELD}={}", folder(state)), format!("_UID={uid}"));
    let args = [
        "--quiet",
        "--no-pager",
        "--output=json",
        "--output-fields=MESSAGE",
        "--lines",
        MOST,
        "SYSLOG_IDENTIFIER=gatemedic",
        &folder,
        &uid,
    ];
    let output = run::run(&journalctl, &args, LIMITS).await;
    let output = output.map_err(|error| Text::new(error.to_string()))?;
    if !output.status.success() {
        let said = Text::from_bytes(&output.stderr);
        let line = said.raw().lines().next().unwrap_or("journalctl failed");
        return Err(Text::new(line));
    }
    Ok(read(&output.stdout))
}

fn read(lines: &[u8]) -> Vec<Anchor> {
    let entries = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let entry: Value = serde_json::from_slice(line).ok()?;
        let field = |name: &str| entry.get(name).and_then(Value::as_str);
        let at = Wall(field("__REALTIME_TIMESTAMP")?.parse().ok()?);
        let (sequence, hash) = field("MESSAGE")?.strip_prefix("audit record ")?.split_once(' ')?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sequence = sequence.parse().ok().filter(|_| is_hash)?;
        Some(Anchor { at, sequence, hash: hash.to_owned() })
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_a_number_and_a_hash_and_everything_else_is_none() {
        let hash = "0f".repeat(32);
        let line = |message: &str| {
            format!("{{\"__REALTIME_TIMESTAMP\":\"7\",\"MESSAGE\":\"{message}\"}}\n")
        };
        let all = [
            line(&format!("audit record 3 {hash}")),
            line("audit record 4 none"),
            line(&format!("audit record x {hash}")),
            line("started"),
            "{\"half".to_owned(),
        ];
        let one = Anchor { at: Wall(7), sequence: 3, hash };
        assert_eq!(read(all.concat().as_bytes()), [one]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
