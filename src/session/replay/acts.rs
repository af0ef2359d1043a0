//! What was done while it was recorded, told as the audit tells it.

use crate::{
    observation::{Moment, Text},
    remedy::{Ending, Progress},
    session::{AuditDetail, AuditLine, recording::Deed},
};

/// Acts told at most, the newest.
const MOST: usize = 1_000;

/// One deed of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Done {
    /// Entries before it.
    pub(super) entry: usize,
    /// When.
    pub(super) at: Moment,
    /// Who; empty for the process that carries out.
    pub(super) who: Text,
    /// What.
    pub(super) deed: Deed,
}

/// The acts that these deeds amount to, oldest first. Each says itself that it is the recording that
/// tells of it.
pub(super) fn acts(deeds: &[Done]) -> Vec<AuditLine> {
    let mut told: Vec<AuditLine> = Vec::new();
    let mut open: Option<AuditLine> = None;
    for done in deeds {
        match &done.deed {
            Deed::Prepare { what, whom, rehearsal, .. } => {
                told.extend(open.take());
                let dry = if *rehearsal { " (dry run)" } else { "" };
                let of = if whom.is_empty() { String::new() } else { format!(", for {whom}") };
                open = Some(begun(done, &format!("{what}{of}{dry}")));
            }
            Deed::TakeBack { sequence } => {
                told.extend(open.take());
                let which = sequence.map(|n| format!(" of record {n}")).unwrap_or_default();
                open = Some(begun(done, &format!("take back what was done{which}")));
            }
            deed => {
                let Some(act) = &mut open else { continue };
                if !done.who.is_empty() {
                    act.who = done.who.clone();
                }
                if let Some(words) = said(deed) {
                    act.result = Text::new(words);
                }
                if let Deed::Progress { said } = deed
                    && let Progress::Recorded { sequence } = **said
                {
                    act.sequence = sequence;
                }
                if is_over(deed) {
                    told.extend(open.take());
                }
            }
        }
    }
    told.extend(open);
    let excess = told.len().saturating_sub(MOST);
    told.drain(..excess);
    told
}

fn begun(done: &Done, what: &str) -> AuditLine {
    AuditLine {
        sequence: 0,
        at: done.at.wall,
        who: done.who.clone(),
        what: Text::new(what),
        result: Text::new("recorded: being checked"),
        intact: true,
        detail: AuditDetail::default(),
    }
}

const fn is_over(deed: &Deed) -> bool {
    match deed {
        Deed::Abandon | Deed::Lost { .. } => true,
        Deed::Progress { said } => matches!(**said, Progress::End { .. }),
        _ => false,
    }
}

/// What a deed comes to, as of then.
fn said(deed: &Deed) -> Option<String> {
    let words = match deed {
        Deed::Confirm => "a person said yes".to_owned(),
        Deed::Keep => "a person kept it".to_owned(),
        Deed::Revert => "a person wanted it taken back".to_owned(),
        Deed::Abandon => "left before a yes".to_owned(),
        Deed::Lost { why } => format!("the process that carried out was lost: {why}"),
        Deed::Progress { said } => match &**said {
            Progress::Ready { .. } => "a yes was waited for".to_owned(),
            Progress::Refused { why, .. } => format!("refused: {why}"),
            Progress::Busy { who, .. } => format!("somebody else acted: {who}"),
            Progress::Done { step, words } => format!("step {}: {words}", step.saturating_add(1)),
            Progress::Watching { secs, .. } => format!("watched for {secs} s"),
            Progress::Judged { verdict, .. } => format!("judged: {}", verdict.words()),
            Progress::RolledBack { why, .. } => format!("taken back: {why}"),
            Progress::NeedsHuman { why, .. } => format!("needed a person: {why}"),
            Progress::End { ending } => match ending {
                Ending::Verified => "ended: fixed, by what was seen then".to_owned(),
                Ending::NotFixed => "ended: not fixed".to_owned(),
                Ending::CannotTell => "ended: nobody could tell".to_owned(),
                Ending::RolledBack => "ended: taken back".to_owned(),
                Ending::Rehearsed => "ended: only looked at".to_owned(),
                // Their reasons have been told.
                Ending::Refused | Ending::NeedsHuman => return None,
            },
            _ => return None,
        },
        Deed::Prepare { .. } | Deed::TakeBack { .. } => return None,
    };
    Some(format!("recorded: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(deed: Deed) -> Done {
        Done { entry: 0, at: Moment::default(), who: Text::default(), deed }
    }

    fn prepare(what: &str) -> Done {
        let (cause, whom) = (Text::default(), Text::new("shop.service"));
        let deed = Deed::Prepare {
            cause,
            whom,
            what: Text::new(what),
            rehearsal: false,
            proven: Vec::new(),
        };
        Done { who: Text::new("root"), ..done(deed) }
    }

    fn progress(said: Progress) -> Done {
        done(Deed::Progress { said: Box::new(said) })
    }

    #[test]
    fn an_act_is_told_as_far_as_it_had_come_and_says_that_it_is_recorded() {
        let all = [
            prepare("start shop.service"),
            done(Deed::Confirm),
            progress(Progress::Recorded { sequence: 7 }),
            progress(Progress::End { ending: Ending::Verified }),
            prepare("reload nginx"),
        ];
        let told: Vec<String> = acts(&all[..1]).iter().map(|a| a.result.to_string()).collect();
        assert_eq!(told, ["recorded: being checked"]);
        let whole = acts(&all);
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].sequence, 7);
        assert_eq!(whole[0].what.to_string(), "start shop.service, for shop.service");
        for act in &whole {
            assert!(act.result.to_string().starts_with("recorded: "), "{act:?}");
        }
    }

    #[test]
    fn what_belongs_to_nothing_is_not_told() {
        assert!(
            acts(&[done(Deed::Confirm), progress(Progress::Recorded { sequence: 1 })]).is_empty()
        );
    }
}
