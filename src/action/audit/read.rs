//! Reading and verifying records.

use std::io;

use crate::{
    action::Tools,
    host::own_folder::{FolderError, OwnFolder},
    observation::Text,
    remedy::Digest,
};

use super::{
    Journal, Record, chain,
    ledger::{FILE, HEAD, VERSION},
};

/// Bytes of records that are read.
const LIMIT: u64 = 64 << 20;
/// Faults that are told one by one.
pub(super) const FAULTS: usize = 20;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

/// All records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Those that are whole, in their order.
    pub records: Vec<Record>,
    /// What breaks the chain; empty when it is whole.
    pub faults: Vec<Fault>,
    /// Lines that were never finished, and were set aside by the record after them.
    pub torn: Vec<u64>,
    /// How many lines there are.
    pub lines: u64,
    /// The line of each of the records.
    pub places: Vec<u64>,
    /// What the journal said of them.
    pub journal: Journal,
}

/// Why there is nothing to verify.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing was ever recorded.
    #[error("nothing has been recorded here ({0})")]
    None(Text),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(Text),
}

/// Reads all records and verifies their chain. Nothing is changed.
///
/// # Errors
/// [`ReadError`] when there are none, or they cannot be read.
pub fn read(tools: &Tools) -> Result<Ledger, ReadError> {
    let path = Text::from_bytes(tools.state.join(FILE).as_os_str().as_encoded_bytes());
    let folder = match OwnFolder::open(&tools.state) {
        Ok(folder) => folder,
        Err(FolderError::Missing(_)) => return Err(ReadError::None(path)),
        Err(error) => return Err(ReadError::Unreadable(Text::new(error.to_string()))),
    };
    match folder.read(FILE, LIMIT) {
        Ok(bytes) if bytes.is_empty() => Err(ReadError::None(path)),
        Ok(bytes) => Ok(verify(&bytes, folder.read(HEAD, 256).ok().as_deref())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ReadError::None(path)),
        Err(error) => Err(ReadError::Unreadable(Text::new(format!("{}: {error}", path.raw())))),
    }
}

/// Verifies lines, and that none is missing at their end.
fn verify(bytes: &[u8], head: Option<&[u8]>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut expected = (1_u64, chain::GENESIS.to_owned());
    // A line that could not be read, until the next record says that it set it aside.
    let mut strange: Option<(u64, &[u8], &'static str)> = None;
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (number, line) in (1..).zip(lines.split(|b| *b == b'\n')) {
        ledger.lines = number;
        let record = std::str::from_utf8(line).map_err(|_| "it is no text").and_then(chain::open);
        let record = match record {
            Ok(record) => record,
            Err(why) => {
                ledger.blame(strange.replace((number, line, why)));
                continue;
            }
        };
        if let Some((at, torn, why)) = strange.take() {
            let own = (torn.len() as u64, Digest::of(torn));
            let named = record.body.torn.as_ref().map(|torn| (torn.bytes, torn.digest));
            if named == Some(own) {
                ledger.torn.push(at);
            } else {
                ledger.blame(Some((at, torn, why)));
            }
        }
        let body = &record.body;
        if body.version != VERSION {
            ledger.fault(number, format!("it has version {}, not {VERSION}", body.version));
        }
        if body.sequence != expected.0 {
            ledger.fault(number, format!("it is record {}, not {}", body.sequence, expected.0));
        } else if body.previous != expected.1 {
            ledger.fault(number, "it does not follow the record before it".to_owned());
        }
        expected = (body.sequence.saturating_add(1), record.hash.clone());
        ledger.records.push(record);
        ledger.places.push(number);
    }
    if let Some((at, line, why)) = strange {
        // Nothing has been written since: the next record will set an unfinished line aside.
        if bytes.last() == Some(&b'\n') {
            ledger.blame(Some((at, line, why)));
        } else {
            ledger.torn.push(at);
        }
    }
    ledger.end(head);
    ledger
}

impl Ledger {
    /// Whether no record was changed, moved or taken away.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, line: u64, why: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { line, why });
        }
    }

    fn blame(&mut self, strange: Option<(u64, &[u8], &'static str)>) {
        if let Some((line, _, why)) = strange {
            self.fault(line, why.to_owned());
        }
    }

    /// Whether the newest record is still there.
    fn end(&mut self, head: Option<&[u8]>) {
        let head = head.map(String::from_utf8_lossy);
        let head = head.as_deref().and_then(|head| head.trim().split_once(' '));
        let Some((sequence, hash)) = head else { return };
        let Ok(sequence) = sequence.parse::<u64>() else { return };
        let next = self.lines + 1;
        match self.records.iter().find(|record| record.body.sequence == sequence) {
            Some(record) if record.hash == hash => {}
            Some(_) => {
                self.fault(next, format!("record {sequence} is not the one that was written"));
            }
            None => {
                self.fault(next, format!("records up to {sequence} were written and are missing"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        action::{Authority, Failure, Permit, audit::*},
        remedy::Ending,
        verification::Verdict,
    };

    fn permit() -> Permit {
        Authority { readonly: false, setuid: false }.grant().unwrap()
    }

    fn tools(dir: &std::path::Path) -> Tools {
        Tools {
            bus: String::new(),
            docker: None,
            state: dir.join("state"),
            runtime: dir.join("run"),
        }
    }

    fn intent() -> Intent {
        let who = Who { user: Text::new("anna\u{1b}[31m\nx"), ..Who::default() };
        Intent { who, ..Intent::default() }
    }

    fn outcome() -> Outcome {
        let words = Text::new("3 of 3 answers");
        Outcome { ending: Ending::Verified, verdict: Some(Verdict::Fixed), words }
    }

    /// Three actions, six lines.
    fn written(dir: &std::path::Path) -> (Tools, Vec<u8>) {
        let tools = tools(dir);
        let audit = Audit::open(&permit(), &tools).unwrap();
        for _ in 0..3 {
            let recorded = audit.record(&intent()).unwrap();
            audit.conclude(&recorded, &outcome()).unwrap();
        }
        let bytes = fs::read(tools.state.join(FILE)).unwrap();
        (tools, bytes)
    }

    #[test]
    fn what_was_recorded_is_read_in_its_order_and_is_ours_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (tools, _) = written(dir.path());
        let ledger = read(&tools).unwrap();
        assert!(ledger.is_whole() && ledger.torn.is_empty(), "{:?}", ledger.faults);
        let numbers: Vec<u64> = ledger.records.iter().map(|r| r.body.sequence).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        assert!(matches!(&ledger.records[5].body.phase, Phase::Result { of: 5, outcome }
            if outcome.verdict == Some(Verdict::Fixed)));
        assert_eq!(ledger.lines, 6);
        let mode = |path: std::path::PathBuf| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(tools.state.join(FILE)), mode(tools.state.clone())), (0o600, 0o700));
    }

    #[test]
    fn a_line_that_was_deleted_moved_changed_or_cut_off_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (tools, bytes) = written(dir.path());
        let lines: Vec<&[u8]> = bytes.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n').collect();
        let first = |lines: &[&[u8]]| {
            fs::write(tools.state.join(FILE), [&lines.join(&b'\n')[..], b"\n"].concat()).unwrap();
            read(&tools).unwrap().faults.first().map(|fault| fault.line)
        };
        assert_eq!(first(&lines), None);
        let without = [&lines[..2], &lines[3..]].concat();
        assert_eq!(first(&without), Some(3));
        let mut moved = lines.clone();
        moved.swap(1, 2);
        assert_eq!(first(&moved), Some(2));
        let changed = String::from_utf8(lines[3].to_vec()).unwrap().replace("3 of 3", "9 of 9");
        let mut with = lines.clone();
        with[3] = changed.as_bytes();
        assert_eq!(first(&with), Some(4));
        assert_eq!(first(&lines[..4]), Some(5));
        assert_eq!(first(&lines[1..]), Some(1));
    }

    #[test]
    fn a_line_that_was_never_finished_is_set_aside_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let (tools, bytes) = written(dir.path());
        fs::write(tools.state.join(FILE), [&bytes[..], b"{\"version\":1,\"seq"].concat()).unwrap();
        let before = read(&tools).unwrap();
        assert_eq!((before.is_whole(), before.torn.as_slice()), (true, &[7][..]));
        let audit = Audit::open(&permit(), &tools).unwrap();
        assert_eq!(audit.record(&intent()).unwrap().sequence(), 7);
        let after = read(&tools).unwrap();
        assert_eq!((after.is_whole(), after.torn.as_slice()), (true, &[7][..]));
        assert_eq!(after.records.len(), 7);
    }

    #[test]
    fn what_cannot_be_recorded_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (tools, bytes) = written(dir.path());
        let audit = Audit::open(&permit(), &tools).unwrap();
        fs::write(tools.state.join(FILE), [&bytes[..], b"garbage\n"].concat()).unwrap();
        assert!(matches!(audit.record(&intent()), Err(Failure::Refused(_))));
        let open: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&tools.state, open).unwrap();
        assert!(matches!(Audit::open(&permit(), &tools), Err(Failure::Refused(_))));
        assert!(matches!(read(&tools), Err(ReadError::Unreadable(_))));
        assert!(matches!(read(&self::tools(&dir.path().join("no"))), Err(ReadError::None(_))));
    }

    #[test]
    fn many_processes_write_one_chain() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(dir.path());
        Audit::open(&permit(), &tools).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let audit = Audit::open(&permit(), &tools).unwrap();
                    for _ in 0..5 {
                        let _ = audit.record(&intent()).unwrap();
                    }
                });
            }
        });
        let ledger = read(&tools).unwrap();
        assert_eq!((ledger.records.len(), ledger.is_whole()), (20, true));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = verify(&bytes, Some(&bytes));
        }
    }

    #[test]
    fn no_changed_byte_stays_unnoticed_and_every_line_is_plain() {
        let dir = tempfile::tempdir().unwrap();
        let (_, bytes) = written(dir.path());
        assert!(bytes.iter().all(|b| (b' '..=b'~').contains(b) || *b == b'\n'));
        for at in (0..bytes.len() - 1).step_by(5) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(!verify(&changed, None).is_whole(), "byte {at}");
        }
    }
}
