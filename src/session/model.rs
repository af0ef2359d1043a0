//! The state of one session, and the fold that changes it.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::{
    diagnosis::{Diagnosis, Scene, diagnose_scene},
    evidence::{CaseFile, Signatures, admit, is_routine, labels::read_labels},
    observation::{Address, GatewayId, SourceId, Text, Wall},
    remedy::{Offer, Order, Plan, Playbooks, Standing, Wizard, offers},
};

use super::{
    Attention, Clip, Draft, Event, FileAt, Keymap, Recovery, Typed, View, Wait, build,
    event::AuditLine,
    history::{Entry, History, Watch},
    input,
    kiosk::Kiosk,
    logs,
    practice::{self, Onward, Practice},
    recovery::{self, Powers},
    replay::{Ask, Axis},
};

/// What the program knows before it starts.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge {
    /// Log signatures.
    pub signatures: &'static Signatures,
    /// What typing does to a draft: `tui::edit`, where there is a screen.
    pub edit: fn(&Draft, &Typed) -> Draft,
}

impl Knowledge {
    /// Everything that is built in; without a screen nothing is typed.
    pub fn embedded() -> Self {
        Self { signatures: Signatures::embedded(), edit: |draft, _| draft.clone() }
    }

    /// With what typing does.
    #[must_use]
    pub fn typing(self, edit: fn(&Draft, &Typed) -> Draft) -> Self {
        Self { edit, ..self }
    }
}

/// What the fold asks the engine to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the sources what to watch.
    Attend(Arc<Attention>),
    /// Draw soon.
    Draw,
    /// Give [`Event::Continue`] back, once keys have been looked at: there is more to do than may
    /// be done at once.
    Continue,
    /// Leave.
    Quit,
    /// Start the process that carries out, and have it check this plan (`Order::Prepare`).
    Prepare(Box<Plan>),
    /// The same, for looking only (`Order::Prepare` with `rehearsal`).
    Rehearse(Box<Plan>),
    /// Start the process that carries out, and have it prepare to take back what the record with
    /// this number did; without a number, the edit that was broken off.
    Undo(Option<u64>),
    /// Hand an order to the process that carries out.
    Send(Order),
    /// End the process that carries out: nothing was confirmed. Nothing that it still says may
    /// reach the session.
    Abandon,
    /// Read the audit, and give it as [`Event::Audit`].
    ReadAudit,
    /// Save what is on screen, and say where with [`Event::Saved`].
    SaveScreen,
    /// Write the post-mortem of what is known now, and say where with [`Event::Saved`].
    SaveReport,
    /// Read a file to edit, and give it as [`Event::File`].
    ReadFile(FileAt),
    /// Put this into the clipboard of the person's terminal. Only ever for a key that asks for it.
    Copy(Clip),
    /// Ring the terminal's bell once.
    Bell,
    /// Leave this game for another one.
    Onward(Onward),
    /// Keep this text until the next start (`Model::restore` takes it).
    Remember(String),
    /// Keep these accounts of incidents, and give the history as [`Event::History`]. Only ever of a
    /// session that may act.
    Chronicle(Vec<Entry>),
    /// Go elsewhere in the recording, or move in it otherwise.
    Replay(Ask),
}

/// All state of a session.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The evidence.
    pub case: CaseFile,
    /// What it amounts to.
    pub diagnosis: Diagnosis,
    /// What can be done about its findings, in their order.
    pub offers: Vec<Offer>,
    /// What the sources watch.
    pub attention: Arc<Attention>,
    /// Where the person looks.
    pub view: View,
    /// Sources that run, as far as the engine said so.
    pub sources: Vec<SourceId>,
    /// Whether this session may act; the engine says so at the start.
    pub powers: Powers,
    /// The state of acting.
    pub recovery: Recovery,
    /// The audit as last read, or why it could not be.
    pub audit: Option<Result<Vec<AuditLine>, String>>,
    /// The file that is being edited.
    pub draft: Option<Draft>,
    /// The playbooks: the built-in ones, unless the engine says more.
    pub playbooks: &'static Playbooks,
    /// What is wrong with playbooks that were left out, in sentences.
    pub playbook_flaws: Vec<String>,
    /// The way of the wizard, once it was opened or taken up again.
    pub wizard: Option<Wizard>,
    /// How its present step stands, as of the last look.
    pub standing: Option<Standing>,
    /// What the wizard answered to the last key; empty for nothing.
    pub wizard_said: &'static str,
    /// The state of the wall screen, where this is one.
    pub kiosk: Option<Kiosk>,
    /// The time of the recording, where this is one and nothing is looked at live.
    pub replay: Option<Box<Axis>>,
    /// The game, where this is practice.
    pub practice: Option<Box<Practice>>,
    /// Name of the host, as the engine said it.
    pub host: String,
    /// Edits that were broken off before this session, each in a sentence; taken back or left, they
    /// are gone from here.
    pub broken_off: Vec<String>,
    /// Terminals of consoles that were killed before this session and could not give them back; the
    /// first key takes it from the screen.
    pub unfinished: Vec<Text>,
    /// What must be so for [`Effect::Copy`] to arrive, in a sentence; empty where the terminal alone
    /// decides. The engine says so at the start.
    pub clipboard_needs: &'static str,
    /// Which key does what.
    pub keys: Keymap,
    /// Names of the themes that can be chosen.
    pub themes: Vec<String>,
    /// What the person should know about this start, in sentences: settings that are not used.
    pub notices: Vec<String>,
    /// Where this session is recorded, or why it is not for now; `None` where it is not meant to be.
    pub recording: Option<Result<String, String>>,
    /// The history of this host's incidents, as far as it was read.
    pub history: History,
    /// The incidents that this session watches.
    pub watch: Watch,
    /// What came of the last key, in a sentence, until the next one; empty for nothing.
    pub said: String,
    /// When the session began; 0 where nobody said so.
    pub began: Wall,
    /// What was asked for and has not come yet, and since when.
    pub(super) waits: Option<(Wait, Wall)>,
    /// Zone in which the person types times; UTC where nobody said.
    pub zone: Option<TimeZone>,
    pub(super) stale: bool,
    news: bool,
}

impl Model {
    /// An empty session.
    pub fn new() -> Self {
        Self { case: CaseFile::new(), ..Self::default() }
    }

    /// Sources that have not yet looked at everything that is asked of them.
    pub fn unswept(&self, sources: &[SourceId]) -> Vec<SourceId> {
        build::swept(&self.case, sources, self.attention.generation)
    }

    /// Takes in that requests proved a repair of these.
    pub(super) fn proved(&mut self, repaired: Vec<(GatewayId, Option<Address>)>) {
        let now = self.case.now.wall;
        self.case.proven.extend(repaired.into_iter().map(|repaired| (repaired, now)));
        (self.stale, self.news) = (true, true);
    }

    /// Diagnoses again, although nothing new was seen.
    pub(super) const fn see_again(&mut self) {
        (self.stale, self.news) = (true, true);
    }

    /// Whether evidence came in that the diagnosis does not know yet.
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether some of it does more than confirm what is known.
    pub const fn has_news(&self) -> bool {
        self.news
    }
}

/// The fold: takes one event in and says what is to be done.
pub fn update(model: &mut Model, event: &Event, knowledge: Knowledge) -> Vec<Effect> {
    let mut effects = fold(model, event, knowledge);
    logs::sync(model, event, &mut effects);
    practice::after(model, event, &mut effects);
    effects
}

fn fold(model: &mut Model, event: &Event, knowledge: Knowledge) -> Vec<Effect> {
    match event {
        Event::Seen(observation) => {
            model.news |= !is_routine(&model.case, &observation.seen);
            admit(&mut model.case, observation, knowledge.signatures);
            model.stale = true;
            Vec::new()
        }
        Event::Settle => {
            let mut effects = settle(model, knowledge);
            effects.extend(model.chronicle());
            effects
        }
        Event::Continue => Vec::new(),
        Event::Tick(now) => {
            model.case.now = model.case.now.max(*now);
            model.stale = true;
            if model.kiosk.is_some() { model.kiosk_tick() } else { vec![Effect::Draw] }
        }
        Event::Quit => vec![Effect::Quit],
        Event::Key(_) | Event::Mouse(_) | Event::Paste(_) | Event::Resize(..) => {
            if matches!(event, Event::Key(_)) {
                model.unfinished.clear();
            }
            input::update(model, event, knowledge)
        }
        Event::Progress(progress) => {
            let mut effects = recovery::progress(model, progress);
            effects.extend(model.chronicle_repair());
            effects
        }
        Event::Lost(why) => {
            let mut effects = recovery::lost(model, why);
            effects.extend(model.chronicle_repair());
            effects
        }
        Event::Shown(ticket) => model.question_shown(*ticket),
        Event::Armed(ticket) => model.question_armed(*ticket),
        Event::Audit(lines) => {
            model.waited(Wait::Audit);
            model.audit = Some(lines.clone());
            vec![Effect::Draw]
        }
        Event::File { file, content } => {
            model.waited(Wait::File);
            model.opened(file, content)
        }
        Event::Saved(place) => {
            model.waited(Wait::Screen);
            model.waited(Wait::Report);
            model.said = match place {
                Ok(path) => format!("✓ saved: {path}"),
                Err(why) => format!("✗ not saved: {why}"),
            };
            vec![Effect::Draw]
        }
        Event::Recording(state) => {
            model.recording = Some(state.clone());
            vec![Effect::Draw]
        }
        // What it means is the game's business.
        Event::Traffic(_) => Vec::new(),
        Event::Broker(word) => model.told(word, knowledge),
        Event::History(history) => {
            model.history = (**history).clone();
            vec![Effect::Draw]
        }
    }
}

/// Diagnoses what came in since the last time, and turns the sources to what it calls for.
pub(super) fn settle(model: &mut Model, knowledge: Knowledge) -> Vec<Effect> {
    if !model.stale {
        return Vec::new();
    }
    model.stale = false;
    let news = std::mem::take(&mut model.news);
    let head = |diagnosis: &Diagnosis| (diagnosis.status, diagnosis.findings.len());
    let before = head(&model.diagnosis);
    read_labels(&mut model.case);
    let scene = Scene::new(&model.case, knowledge.signatures);
    let next = build::attention(&scene, &model.attention);
    model.diagnosis = diagnose_scene(&scene);
    model.offers = offers(&model.diagnosis, &model.case);
    model.draw_veil();
    model.look_here();
    // What only confirms the last diagnosis is drawn with the next tick of the clock.
    let seen = news || head(&model.diagnosis) != before;
    let mut effects = if seen { vec![Effect::Draw] } else { Vec::new() };
    if next.generation != model.attention.generation {
        model.attention = Arc::new(next);
        effects.push(Effect::Attend(Arc::clone(&model.attention)));
    }
    effects
}
