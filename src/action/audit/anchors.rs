//! The records, held against what the journal remembers of them.

use super::{Ledger, read::Fault};
use crate::{host::audit_journal::Anchor, observation::Text};

/// What the journal said of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// It was not asked.
    #[default]
    Unasked,
    /// It cannot be asked: why.
    Silent(Text),
    /// It names so many of them as they are.
    Names(usize),
}

impl Ledger {
    /// Finds records that the journal names and that are missing or others now. The chain alone does
    /// not show where its end was cut off with `audit.head`, or all of it was written anew.
    pub fn compare(&mut self, anchors: Result<Vec<Anchor>, Text>) {
        let anchors = match anchors {
            Ok(anchors) => anchors,
            Err(why) => {
                self.journal = Journal::Silent(why);
                return;
            }
        };
        let mut same = 0;
        let mut missing: Option<&Anchor> = None;
        for anchor in &anchors {
            let found = self.records.iter().zip(&self.places);
            let found = found.rev().find(|(record, _)| record.body.sequence == anchor.sequence);
            match found {
                Some((record, _)) if record.hash == anchor.hash => same += 1,
                Some((_, line)) => {
                    let (n, at) = (anchor.sequence, anchor.at.rfc3339());
                    let why = format!("record {n} is not the one that the journal names, of {at}");
                    self.faults.push(Fault { line: *line, why });
                }
                None => {
                    missing = missing.filter(|one| one.sequence < anchor.sequence).or(Some(anchor));
                }
            }
        }
        if let Some(Anchor { at, sequence, .. }) = missing {
            let at = at.rfc3339();
            let why = format!("the journal names record {sequence}, of {at}, which is missing");
            self.faults.push(Fault { line: self.lines + 1, why });
        }
        self.faults.sort_by_key(|fault| fault.line);
        self.faults.truncate(super::read::FAULTS);
        self.journal = Journal::Names(same);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        action::{
            Authority, Tools,
            audit::{Audit, Intent, read},
        },
        observation::Wall,
    };

    /// Four records, and what the journal was told of them.
    fn written() -> (tempfile::TempDir, Tools, Vec<Anchor>) {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let tools = Tools { bus: String::new(), docker: None, runtime: state.join("run"), state };
        record(&tools, 4);
        let anchors = anchors(&read(&tools).unwrap());
        (dir, tools, anchors)
    }

    fn record(tools: &Tools, times: usize) {
        let permit = Authority { readonly: false, setuid: false }.grant().unwrap();
        let audit = Audit::open(&permit, tools).unwrap();
        for _ in 0..times {
            let _ = audit.record(&Intent::default()).unwrap();
        }
    }

    fn anchors(ledger: &Ledger) -> Vec<Anchor> {
        let anchor = |record: &super::super::Record| Anchor {
            at: Wall(0),
            sequence: record.body.sequence,
            hash: record.hash.clone(),
        };
        ledger.records.iter().map(anchor).collect()
    }

    fn compared(tools: &Tools, anchors: &[Anchor]) -> Ledger {
        let mut ledger = read(tools).unwrap();
        assert!(ledger.is_whole(), "the chain alone shows nothing: {:?}", ledger.faults);
        ledger.compare(Ok(anchors.to_vec()));
        ledger
    }

    #[test]
    fn records_that_the_journal_names_as_they_are_are_whole() {
        let (_dir, tools, anchors) = written();
        let ledger = compared(&tools, &anchors[1..]);
        assert!(ledger.is_whole() && ledger.journal == Journal::Names(3), "{ledger:?}");
        // It has forgotten all of them, or never heard of them.
        assert!(compared(&tools, &[]).is_whole());
    }

    #[test]
    fn an_end_that_was_cut_off_together_with_its_head_is_noticed() {
        let (_dir, tools, anchors) = written();
        let file = tools.state.join("audit.jsonl");
        let text = fs::read_to_string(&file).unwrap();
        let kept: Vec<&str> = text.split_inclusive('\n').take(2).collect();
        fs::write(&file, kept.concat()).unwrap();
        fs::remove_file(tools.state.join("audit.head")).unwrap();
        let ledger = compared(&tools, &anchors);
        let [fault] = ledger.faults.as_slice() else { panic!("{ledger:?}") };
        assert!(fault.line == 3 && fault.why.contains("names record 3,"), "{fault:?}");
    }

    #[test]
    fn a_chain_that_was_written_anew_is_noticed_at_its_first_record() {
        let (_dir, tools, anchors) = written();
        fs::remove_dir_all(&tools.state).unwrap();
        record(&tools, 6);
        let ledger = compared(&tools, &anchors);
        assert!(!ledger.is_whole() && ledger.faults.len() == 4, "{ledger:?}");
        assert!(ledger.faults[0].line == 1 && ledger.faults[0].why.contains("record 1 is not"));
    }

    #[test]
    fn a_journal_that_cannot_be_asked_accuses_nobody() {
        let (_dir, tools, _) = written();
        let mut ledger = read(&tools).unwrap();
        ledger.compare(Err(Text::from("there is no journalctl")));
        assert!(ledger.is_whole() && matches!(ledger.journal, Journal::Silent(_)));
    }
}
