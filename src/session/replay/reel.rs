//! A recording that is being gone through, and the session that shows where one stands.

use crate::{
    evidence::CaseFile,
    observation::{Moment, SourceId, Wall},
    session::{
        AuditLine, Knowledge, Model, model,
        recording::{Damage, Header, Refusal},
    },
};

use super::{
    Ask, Axis, Lost, Speed, Tape,
    acts::acts,
    index::{Elapsed, later},
    survey::{Survey, fold, proven},
    tape::Cursor,
};

/// Entries read ahead before keys are looked at again, at most.
const SLICE: usize = 64;

/// A recording that is being gone through.
#[derive(Clone, Debug, Default)]
pub struct Reel {
    tape: Tape,
    survey: Survey,
    /// Whether everything that is there has been read ahead.
    read: bool,
    cursor: Cursor,
    /// Entries that the session has taken in.
    folded: usize,
    /// Its newest time, as those alone tell it.
    newest: Moment,
    at: Elapsed,
    going: Going,
    speed: Speed,
    /// What was asked for and lies in what has not been read yet.
    wanted: Option<Ask>,
    /// Whether bytes were left out.
    cut: bool,
}

/// Whether time goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Going {
    /// It stands still.
    #[default]
    Not,
    /// It is played.
    Plays,
    /// One goes along with the end of a recording that grows.
    Along,
}

/// Where something that was asked for lies.
enum Found {
    At(Elapsed),
    /// Perhaps in what has not been read.
    NotYet,
    /// Nowhere.
    Nowhere(&'static str),
}

impl Reel {
    /// A recording at its beginning; nothing of it has been read.
    pub fn new(tape: Tape) -> Self {
        Self { tape, ..Self::default() }
    }

    /// Takes what was added to a recording that grows.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.cut |= !self.tape.add(bytes);
            self.read = false;
        }
    }

    /// Reads on by a slice. False when everything that is there has been read.
    pub fn read_on(&mut self, knowledge: Knowledge) -> bool {
        for _ in 0..SLICE {
            if self.read {
                break;
            }
            self.read = !self.survey.step(&self.tape, knowledge.signatures);
        }
        !self.read
    }

    /// Reads everything that is there.
    pub fn read_all(&mut self, knowledge: Knowledge) {
        while self.read_on(knowledge) {}
    }

    /// Why it is not read.
    pub const fn refusal(&self) -> Option<Refusal> {
        self.survey.cursor.refusal()
    }

    /// What is missing of it, as far as it has been read.
    pub const fn damage(&self) -> &Damage {
        self.survey.cursor.damage()
    }

    /// What it says of itself, once that has been read.
    pub const fn header(&self) -> Option<&Header> {
        self.survey.header.as_ref()
    }

    /// Whether nothing has been read of it so far.
    pub const fn is_empty(&self) -> bool {
        self.survey.index.len() == 0
    }

    /// Whether it plays.
    pub const fn is_playing(&self) -> bool {
        !matches!(self.going, Going::Not)
    }

    /// Whether something lies in what has not been read yet.
    pub const fn is_waiting(&self) -> bool {
        self.wanted.is_some()
    }

    /// Plays from where one stands.
    pub const fn play(&mut self) {
        self.going = Going::Plays;
    }

    /// Sets how fast it plays.
    pub const fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
    }

    /// Does what is asked; what lies in what has not been read is done once it has been.
    pub fn ask(&mut self, model: &mut Model, ask: Ask, knowledge: Knowledge) {
        self.wanted = None;
        if ask == Ask::End && self.tape.grows() {
            self.going = Going::Along;
        } else if ask.stops() {
            self.going = Going::Not;
        } else if matches!(ask, Ask::Start | Ask::Forward | Ask::Back) && self.is_playing() {
            self.going = Going::Plays;
        }
        match ask {
            Ask::Play => self.turn(model, knowledge),
            Ask::Faster => self.speed = self.speed.faster(),
            Ask::Slower => self.speed = self.speed.slower(),
            // The session asks that of the person.
            Ask::Time => {}
            _ => match self.find(ask) {
                Found::At(at) => self.go(model, at, knowledge),
                Found::NotYet => self.wanted = Some(ask),
                Found::Nowhere(why) => why.clone_into(&mut model.said),
            },
        }
        self.show(model);
    }

    /// Looks again for what was asked for, after more has been read. True when it was found, or lies
    /// nowhere.
    pub fn look_again(&mut self, model: &mut Model, knowledge: Knowledge) -> bool {
        let Some(ask) = self.wanted else { return false };
        if matches!(self.find(ask), Found::NotYet) {
            return false;
        }
        let before = self.going;
        self.ask(model, ask, knowledge);
        if !ask.stops() {
            self.going = before;
        }
        true
    }

    /// So much time has passed, in microseconds. True when the recording went on by it.
    pub fn pass(&mut self, model: &mut Model, micros: u64, knowledge: Knowledge) -> bool {
        if !self.is_playing() {
            return false;
        }
        let end = self.survey.index.end();
        let next = self.at.saturating_add(self.speed.of(micros)).min(end);
        let next = if self.going == Going::Along { end } else { next };
        let went = next > self.at || self.survey.index.upto(next) > self.folded;
        if went {
            self.place(model, next, knowledge);
        }
        if next >= end && self.read && !self.tape.grows() {
            self.going = Going::Not;
            model::settle(model, knowledge);
            "the recording ends here".clone_into(&mut model.said);
        }
        self.show(model);
        went || !self.is_playing()
    }

    /// Puts what the screen shows of the time into the session.
    pub fn show(&self, model: &mut Model) {
        let survey = &self.survey;
        let damage = survey.cursor.damage();
        let mut words = damage.words();
        if survey.cut || self.cut {
            let more = if words.is_empty() { "" } else { "; " };
            words.push_str(more);
            words.push_str("it is longer than is read");
        }
        let bytes = self.tape.len().max(1) as u128;
        let read =
            if self.read { 100 } else { (survey.cursor.read() as u128 * 100 / bytes).min(99) };
        let header = survey.header.as_ref();
        model.replay = Some(Box::new(Axis {
            host: header.map(|header| header.host.to_string()).unwrap_or_default(),
            began: survey.index.began(),
            at: self.at,
            end: survey.index.end(),
            playing: self.is_playing(),
            speed: self.speed,
            read: u8::try_from(read).unwrap_or(100),
            grows: self.tape.grows(),
            samples: survey.samples.clone(),
            changes: survey.changes.clone(),
            more_changes: survey.more_changes,
            deeds: survey.deeds.iter().filter_map(|done| survey.index.at(done.entry)).collect(),
            first_failure: survey.first_failure,
            lost: Lost { words, records: damage.records, places: survey.places.clone() },
            composed: header.is_some_and(|header| header.composed),
            seeks: self.wanted.map(sought).unwrap_or_default(),
        }));
    }

    /// Plays or pauses; at the end it begins anew.
    fn turn(&mut self, model: &mut Model, knowledge: Knowledge) {
        if self.is_playing() {
            self.going = Going::Not;
            model::settle(model, knowledge);
            return;
        }
        self.going = Going::Plays;
        if self.at >= self.survey.index.end() && self.read && !self.tape.grows() {
            self.go(model, 0, knowledge);
        }
    }

    fn find(&self, ask: Ask) -> Found {
        let survey = &self.survey;
        let (index, end) = (&survey.index, survey.index.end());
        let or_later = |found: Option<Elapsed>, nowhere| match found {
            Some(at) => Found::At(at),
            None if self.read => Found::Nowhere(nowhere),
            None => Found::NotYet,
        };
        match ask {
            Ask::Next => or_later(index.news_after(self.at), "nothing new was seen after this"),
            Ask::Previous => index
                .news_before(self.at)
                .map_or(Found::Nowhere("nothing new was seen before this"), Found::At),
            Ask::NextChange => {
                let count = survey.changes.partition_point(|change| change.at <= self.at);
                let next = survey.changes.get(count).map(|change| change.at);
                or_later(next, "the diagnosis does not change after this")
            }
            Ask::PreviousChange => {
                let count = survey.changes.partition_point(|change| change.at < self.at);
                let before = count.checked_sub(1).and_then(|at| survey.changes.get(at));
                let before = before.map(|change| Found::At(change.at));
                before.unwrap_or(Found::Nowhere("the diagnosis did not change before this"))
            }
            Ask::FirstFailure => {
                or_later(survey.first_failure, "no request is seen to fail in this recording")
            }
            Ask::End if !self.read => Found::NotYet,
            Ask::End => Found::At(end),
            Ask::Start => Found::At(0),
            Ask::Back => Found::At(self.at.saturating_sub(Ask::SECONDS * 1_000_000)),
            Ask::Forward => {
                let next = self.at.saturating_add(Ask::SECONDS * 1_000_000);
                if next <= end || self.read { Found::At(next.min(end)) } else { Found::NotYet }
            }
            Ask::To(wall) => {
                let at = index.of_wall(wall);
                if at < end || self.read { Found::At(at) } else { Found::NotYet }
            }
            Ask::Play | Ask::Faster | Ask::Slower | Ask::Time => Found::At(self.at),
        }
    }

    /// Goes to a place and diagnoses what was known there.
    fn go(&mut self, model: &mut Model, at: Elapsed, knowledge: Knowledge) {
        if at < self.at {
            // Lines that were held still there may not have been written yet.
            model.view.logs.go_along();
        }
        self.place(model, at, knowledge);
        model::settle(model, knowledge);
    }

    /// Makes the session what it is at a place, but for the diagnosis.
    fn place(&mut self, model: &mut Model, at: Elapsed, knowledge: Knowledge) {
        let at = at.min(self.survey.index.end());
        let target = self.survey.index.upto(at);
        let nearest = self.survey.kept.before(target).filter(|state| state.folded > self.folded);
        if target < self.folded || at < self.at || nearest.is_some() {
            if let Some(state) = self.survey.kept.before(target) {
                self.cursor.clone_from(&state.cursor);
                (self.folded, self.newest) = (state.folded, state.case.now);
                model.case.clone_from(&state.case);
            } else {
                self.cursor = Cursor::default();
                (self.folded, self.newest) = (0, Moment::default());
                model.case = CaseFile::new();
            }
        }
        model.case.now = self.newest;
        while self.folded < target {
            let Some(entry) = self.tape.next(&mut self.cursor) else { break };
            self.folded += 1;
            let repaired = || proven(&self.survey.deeds, self.folded);
            fold(&mut model.case, &entry, knowledge.signatures, repaired);
        }
        self.newest = model.case.now;
        let stands = self.folded.checked_sub(1).and_then(|last| self.survey.index.at(last));
        if self.folded > 0 {
            model.case.now = later(self.newest, at.saturating_sub(stands.unwrap_or(at)));
        }
        self.at = at;
        if model.began == Wall::default() {
            model.began = self.survey.index.began();
        }
        model.audit = Some(Ok(self.told()));
        model.see_again();
    }

    /// What had been done by where one stands.
    fn told(&self) -> Vec<AuditLine> {
        let deeds = &self.survey.deeds;
        let count = deeds.partition_point(|done| done.entry < self.folded);
        acts(deeds.get(..count).unwrap_or_default())
    }
}

/// What is being looked for, in words.
const fn sought(ask: Ask) -> &'static str {
    match ask {
        Ask::FirstFailure => "looking for the first failure",
        Ask::NextChange => "looking for the next change",
        Ask::Next => "looking for what is new",
        Ask::To(_) => "looking for that time",
        _ => "reading to the end",
    }
}

impl Model {
    /// A session that shows a recording, before anything of it has been read.
    pub fn of_recording() -> Self {
        let mut model = Self::new();
        model.powers = crate::session::Powers::Replay;
        model.replay = Some(Box::default());
        model.audit = Some(Ok(Vec::new()));
        model
    }

    /// Sources that were still looking where one stands in a recording.
    pub fn unfinished_sources(&self) -> Vec<SourceId> {
        self.shown_live().waiting()
    }
}
