//! A recording, folded again up to its end: what was known while requests failed, and what was done.

use crate::{
    diagnosis::{Diagnosis, Status},
    observation::{Address, GatewayId, Text, Wall},
    remedy::{Ending, Progress},
    session::{
        AuditDetail, AuditLine, Event, Knowledge, Model,
        recording::{Damage, Deed, Entry, Header, How},
        update,
    },
    verification::Verdict,
};

/// It is diagnosed again after so many seconds of the recording.
const PACE_SECS: i64 = 5;
/// After a pause of more seconds it is another incident.
const PAUSE_SECS: i64 = 600;
/// Losses that are told one by one, and deeds that are kept.
const LOSSES: usize = 20;
const DEEDS: usize = 200;

/// A recording that is being told again.
#[derive(Debug)]
pub struct Retelling {
    model: Model,
    knowledge: Knowledge,
    height: Option<Diagnosis>,
    header: Option<Header>,
    deeds: Vec<AuditLine>,
    open: Option<Doing>,
    lost: Vec<String>,
    settled: Wall,
    until: Option<Wall>,
}

/// A deed that is not over.
#[derive(Debug)]
struct Doing {
    line: AuditLine,
    confirmed: bool,
    /// What a verdict of *fixed* proves.
    proven: Vec<(GatewayId, Option<Address>)>,
}

/// What a recording told.
#[derive(Debug)]
pub struct Told {
    /// The session at its end.
    pub model: Model,
    /// The diagnosis while requests failed.
    pub height: Option<Diagnosis>,
    /// How the recording began; empty where its beginning is lost.
    pub header: Header,
    /// What was done.
    pub deeds: Vec<AuditLine>,
    /// What was lost, in sentence fragments.
    pub lost: Vec<String>,
}

impl Retelling {
    /// Nothing told yet; entries after `until` will not be.
    pub fn new(until: Option<Wall>) -> Self {
        Self {
            model: Model::new(),
            knowledge: Knowledge::embedded(),
            height: None,
            header: None,
            deeds: Vec::new(),
            open: None,
            lost: Vec::new(),
            settled: Wall::default(),
            until,
        }
    }

    /// Takes the next entry in.
    pub fn take(&mut self, entry: Entry) {
        if self.until.is_some_and(|until| entry.at().wall > until) {
            return;
        }
        match entry {
            Entry::Begin(header) => {
                self.header.get_or_insert(*header);
            }
            Entry::Seen(seen) => {
                let at = seen.at.wall;
                update(&mut self.model, &Event::Seen(seen), self.knowledge);
                if at.since(self.settled).as_secs() >= PACE_SECS {
                    self.settle();
                }
            }
            Entry::Deed { at, who, deed } => self.deed(at.wall, who, deed),
            // The session had diagnosed here: so it was worth it.
            Entry::Mark { .. } => self.settle(),
            Entry::Lost { records, place, .. } => {
                if self.lost.len() < LOSSES {
                    self.lost.push(format!("{records} records of the recording, at byte {place}"));
                }
            }
            Entry::End { .. } => {}
        }
    }

    /// The end.
    pub fn finish(mut self, damage: &Damage) -> Told {
        if let Some(doing) = self.open.take().filter(|doing| doing.confirmed) {
            self.deeds.push(doing.line);
        }
        self.settle();
        if !damage.is_none() {
            self.lost.insert(0, format!("the recording: {}", damage.words()));
        }
        let header = self.header.unwrap_or_default();
        Told { model: self.model, height: self.height, header, deeds: self.deeds, lost: self.lost }
    }

    fn settle(&mut self) {
        update(&mut self.model, &Event::Settle, self.knowledge);
        self.settled = self.model.case.now.wall;
        let now = &self.model.diagnosis;
        let fails = now.incident.present || now.status == Status::Failing;
        let Some(found) = now.findings.first().filter(|_| fails) else { return };
        let better = self.height.as_ref().is_none_or(|height| {
            let other = height
                .incident
                .last
                .zip(now.incident.first)
                .is_some_and(|(last, first)| first.since(last).as_secs() > PAUSE_SECS);
            let sure = height.findings.first().map(|kept| kept.confidence);
            other || sure.is_none_or(|sure| found.confidence >= sure)
        });
        if better {
            self.height = Some(now.clone());
        }
    }

    fn deed(&mut self, at: Wall, who: Text, deed: Deed) {
        match deed {
            Deed::Prepare { cause, whom, what, rehearsal, proven } => {
                // What was only looked at changed nothing.
                let detail = AuditDetail { by: who.clone(), cause, whom, ..AuditDetail::default() };
                self.open = (!rehearsal).then(|| Doing {
                    line: line(at, who, what, detail),
                    confirmed: false,
                    proven,
                });
            }
            Deed::TakeBack { sequence } => {
                let what = sequence.map_or_else(
                    || "take the last deed back".to_owned(),
                    |number| format!("take back what record {number} did"),
                );
                let detail = AuditDetail { by: who.clone(), ..AuditDetail::default() };
                let line = line(at, who, Text::new(what), detail);
                self.open = Some(Doing { line, confirmed: false, proven: Vec::new() });
            }
            Deed::Confirm => {
                if let Some(doing) = &mut self.open {
                    (doing.line.at, doing.confirmed) = (at, true);
                    if !who.is_empty() {
                        (doing.line.who, doing.line.detail.by) = (who.clone(), who);
                    }
                }
            }
            Deed::Keep | Deed::Revert => {}
            Deed::Abandon => {
                self.open.take_if(|doing| !doing.confirmed);
            }
            Deed::Progress { said } => self.said(at, &said),
            Deed::Lost { why } => {
                if let Some(mut doing) = self.open.take().filter(|doing| doing.confirmed) {
                    let words = format!("the process that carried it out was lost: {}", why.raw());
                    doing.line.result = Text::new(words);
                    doing.line.detail.ended = Some(at);
                    self.keep(doing.line);
                }
            }
        }
    }

    fn said(&mut self, at: Wall, said: &Progress) {
        let event = Event::Progress(Box::new(said.clone()));
        // What is shown of a repair is not told here; what was proven is part of the case.
        update(&mut self.model, &event, self.knowledge);
        let Some(doing) = &mut self.open else { return };
        let line = &mut doing.line;
        match said {
            Progress::TakesBack { what, words } => {
                let steps = if words.is_empty() { what.clone() } else { words.join(", then ") };
                line.what = Text::new(format!("take back: {steps}"));
            }
            Progress::Recorded { sequence } => (line.sequence, doing.confirmed) = (*sequence, true),
            Progress::Judged { judgement, verdict } => {
                line.detail.verdict = Some(*verdict);
                if *verdict == Verdict::Fixed {
                    let proven = std::mem::take(&mut doing.proven);
                    let proven = proven.into_iter().map(|repaired| (repaired, at));
                    self.model.case.proven.extend(proven);
                }
                let judged = judgement.promises.iter().map(|one| one.promise.as_str());
                line.result = Text::new(judged.collect::<Vec<_>>().join("; "));
            }
            Progress::RolledBack { why, .. } | Progress::NeedsHuman { why, .. } => {
                line.result = Text::new(why);
            }
            Progress::Refused { why, .. } => line.result = Text::new(why),
            Progress::End { ending } => {
                line.detail.ended = Some(at);
                line.detail.ending = Some(*ending);
                let was = doing.confirmed && *ending != Ending::Rehearsed;
                if let Some(doing) = self.open.take().filter(|_| was) {
                    self.keep(doing.line);
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, line: AuditLine) {
        if self.deeds.len() < DEEDS {
            self.deeds.push(line);
        }
    }
}

fn line(at: Wall, who: Text, what: Text, detail: AuditDetail) -> AuditLine {
    AuditLine { sequence: 0, at, who, what, result: Text::default(), intact: true, detail }
}

impl Told {
    /// Why it is not known what was done, where the recording cannot tell.
    pub const fn deeds_unread(&self) -> Option<&'static str> {
        match self.header.how {
            How::Look => Some("the recording is of one look, which records no deeds"),
            _ => None,
        }
    }

    /// When the person behind the recording first looked.
    pub fn looked(&self) -> Option<Wall> {
        let began = Some(self.header.began.wall).filter(|at| *at != Wall::default());
        began.or_else(|| self.model.case.began.map(|began| began.wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, NOW, unit},
        observation::{Boot, Moment},
        verification::{Judgement, Verdict},
    };

    const AT: &str = "127.0.0.1:8000";

    fn moment(secs: i64) -> Moment {
        Moment { wall: Wall::from_secs(NOW + secs), boot: Boot(0) }
    }

    fn deed(secs: i64, deed: Deed) -> Entry {
        Entry::Deed { at: moment(secs), who: "anna".into(), deed }
    }

    fn said(secs: i64, said: Progress) -> Entry {
        deed(secs, Deed::Progress { said: Box::new(said) })
    }

    fn broken() -> Vec<Entry> {
        let host =
            Host::passing_to(AT).unit(unit("shop.service").claims(AT).killed(9, 60)).refused(5, AT);
        host.observations().into_iter().map(|seen| Entry::Seen(Box::new(seen))).collect()
    }

    fn told(entries: Vec<Entry>) -> Told {
        let mut retelling = Retelling::new(None);
        entries.into_iter().for_each(|entry| retelling.take(entry));
        retelling.finish(&Damage::default())
    }

    fn prepared() -> Entry {
        let (cause, whom) = ("app-killed-not-restarted".into(), "shop.service".into());
        deed(
            1,
            Deed::Prepare {
                cause,
                whom,
                what: "start shop.service".into(),
                rehearsal: false,
                proven: Vec::new(),
            },
        )
    }

    #[test]
    fn a_repair_is_told_with_its_verdict_and_the_cause_outlives_it() {
        let mut entries = broken();
        let judgement =
            Judgement { promises: Vec::new(), verdict: Some(Verdict::Fixed), holding_secs: None };
        entries.extend([
            Entry::Mark { at: moment(0), mark: Default::default() },
            prepared(),
            deed(4, Deed::Confirm),
            said(4, Progress::Recorded { sequence: 7 }),
            said(40, Progress::Judged { judgement, verdict: Verdict::Fixed }),
            said(40, Progress::End { ending: Ending::Verified }),
        ]);
        let whole = Host::passing_to(AT).unit(unit("shop.service").claims(AT)).serves(
            "shop.service",
            AT,
            100,
        );
        entries.extend(whole.observations().into_iter().map(|mut seen| {
            seen.at = moment(700);
            Entry::Seen(Box::new(seen))
        }));
        let told = told(entries);
        assert_eq!(told.height.unwrap().findings[0].cause, "app-killed-not-restarted");
        let [line] = told.deeds.as_slice() else { panic!("{:?}", told.deeds) };
        assert_eq!((line.sequence, line.at), (7, Wall::from_secs(NOW + 4)));
        assert_eq!(line.detail.verdict, Some(Verdict::Fixed));
        assert_eq!(line.detail.ended, Some(Wall::from_secs(NOW + 40)));
    }

    #[test]
    fn what_was_never_said_yes_to_was_not_done() {
        let mut entries = broken();
        let refused = Progress::Refused { why: "busy".into(), by_hand: Vec::new() };
        entries.extend([
            prepared(),
            said(2, refused),
            said(2, Progress::End { ending: Ending::Refused }),
        ]);
        entries.extend([prepared(), deed(3, Deed::Abandon)]);
        assert!(told(entries).deeds.is_empty());
    }

    #[test]
    fn what_the_recording_lost_is_told() {
        let lost = Entry::Lost { at: moment(1), records: 3, place: 812 };
        let told = told(vec![lost]);
        assert_eq!(told.lost, ["3 records of the recording, at byte 812"]);
    }
}
