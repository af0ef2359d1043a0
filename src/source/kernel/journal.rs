//! The journal's copy of the kernel log, for a reader who may not open `/dev/kmsg`.

use std::time::Duration;

use serde_json::Value;

use crate::{
    host::{
        clock,
        kmsg::Record,
        run::{self, Limits},
    },
    observation::{Seen, Wall},
};

use super::{
    past::{Past, gap},
    translate::Translator,
};

/// A one-shot diagnosis waits for this.
const LIMITS: Limits = Limits { deadline: Duration::from_millis(900), max_output: 4 << 20 };

/// A reader that remembers how far it has come.
#[derive(Debug, Default)]
pub(super) struct Journal {
    translator: Translator,
    cursor: Option<String>,
}

impl Journal {
    /// Whether any kernel record has been seen. Without permission journalctl(1) shows none and
    /// reports success, so an empty answer proves nothing.
    pub(super) fn sees(&self) -> bool {
        self.cursor.is_some()
    }

    /// Reads what is new, at most the newest 2,000 records.
    pub(super) async fn read(&mut self) -> Vec<Seen> {
        let Some(program) = run::find("journalctl") else { return Vec::new() };
        let mut args = vec![
            "--dmesg",
            "--output=json",
            "--quiet",
            "--no-pager",
            "--lines=2000",
            "--output-fields=MESSAGE,SYSLOG_FACILITY,PRIORITY,_SOURCE_MONOTONIC_TIMESTAMP",
        ];
        let after = self.cursor.as_ref().map(|cursor| format!("--after-cursor={cursor}"));
        args.extend(after.as_deref());
        let Ok(output) = run::run(&program, &args, LIMITS).await else { return Vec::new() };
        let mut past = Past::default();
        if output.truncated {
            past.push(gap(0, "the journal's answer was longer than 4 MiB"));
        }
        let now = clock::now().wall;
        for line in output.stdout.split(|b| *b == b'\n') {
            let Some(entry) = Entry::parse(line) else { continue };
            let stamp = i64::try_from(entry.record.stamp).unwrap_or(i64::MAX);
            let offset = entry.at.0.saturating_sub(stamp);
            if let Some(seen) = self.translator.take(&entry.record, offset, now) {
                past.push(seen);
            }
            self.cursor = Some(entry.cursor);
        }
        past.into_vec()
    }
}

/// One entry of the journal.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    record: Record,
    at: Wall,
    cursor: String,
}

impl Entry {
    /// Reads one line of `journalctl -o json`
    /// (<https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format>): numbers are strings,
    /// a message that is not UTF-8 is a list of bytes. The source's monotonic stamp serves as
    /// the sequence number, which the journal does not keep.
    fn parse(line: &[u8]) -> Option<Self> {
        let entry: Value = serde_json::from_slice(line).ok()?;
        let number = |key: &str| entry.get(key)?.as_str()?.parse::<u64>().ok();
        let message = match entry.get("MESSAGE")? {
            Value::String(text) => text.clone().into_bytes(),
            Value::Array(bytes) => bytes
                .iter()
                .map(|b| b.as_u64().and_then(|b| u8::try_from(b).ok()))
                .collect::<Option<_>>()?,
            _ => return None,
        };
        let at = number("__REALTIME_TIMESTAMP")?;
        let stamp =
            number("_SOURCE_MONOTONIC_TIMESTAMP").or_else(|| number("__MONOTONIC_TIMESTAMP"))?;
        Some(Self {
            record: Record {
                // The journal always says the facility; a record without one proves nothing.
                facility: number("SYSLOG_FACILITY").unwrap_or(1),
                level: number("PRIORITY").and_then(|p| u8::try_from(p).ok()).unwrap_or(6),
                sequence: stamp,
                stamp,
                message,
            },
            at: Wall(i64::try_from(at).ok()?),
            cursor: entry.get("__CURSOR")?.as_str()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_gives_the_record_that_the_kernel_wrote() {
        let line = br#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1700000000000000",
            "__MONOTONIC_TIMESTAMP":"9","_SOURCE_MONOTONIC_TIMESTAMP":"7","SYSLOG_FACILITY":"0",
            "PRIORITY":"3","MESSAGE":[97,255]}"#;
        let entry = Entry::parse(line).unwrap();
        assert_eq!(entry.record.message, [97, 255]);
        assert_eq!((entry.record.facility, entry.record.stamp), (0, 7));
        assert_eq!(entry.at, Wall(1_700_000_000_000_000));
    }

    #[test]
    fn an_entry_that_names_no_facility_is_not_the_kernels() {
        let line = br#"{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1","__MONOTONIC_TIMESTAMP":"9",
            "MESSAGE":"Out of memory: Killed process 1 (nginx) total-vm:1kB"}"#;
        assert_ne!(Entry::parse(line).unwrap().record.facility, 0);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Entry::parse(&bytes);
        }
    }
}
