//! The crank of a console: folds what comes in, and has the screen drawn when there is reason to.

use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

use crate::{
    host::{
        clock,
        signals::Signal,
        sys,
        terminal::{self, Input},
    },
    observation::Text,
    remedy::{Order, Playbooks},
    session::{
        BrokerWord, Clip, Draft, Effect, Event, KeyCode, Knowledge, Model, Powers, Setup, Typed,
        kiosk::{Kiosk, Way},
        practice::{Onward, Task},
        update,
    },
};

use super::{
    broker::Feed,
    crew::Crew,
    desk::{Desk, Report},
    input::Taken,
    pace::Pace,
    recorder::{self, Recorder},
    sources::Running,
};

/// Events folded before keys are looked at again, if that takes no longer than [`BUDGET`].
const BATCH: usize = 256;
/// Longest time for a batch: a quarter of what a person may wait for an answer to a key.
const BUDGET: Duration = Duration::from_millis(4);
/// A question must have stood on the screen for so long before a yes to it counts.
const ARMING: Duration = Duration::from_millis(300);
/// The clock on the screen.
const SECOND: Duration = Duration::from_secs(1);
/// Ticks after everybody has looked for the first time until what only the start needed is given
/// back, and from then on between two times.
const CALMED: u32 = 5;
const AGAIN: u32 = 600;
/// How long a kiosk says that its broker is gone before it ends, for whoever started it to start
/// both again.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the end of a session waits for a slow disk.
const FINISH: Duration = Duration::from_secs(1);

/// Where a session is shown.
pub trait Screen {
    /// Shows a model. Only called when the last frame has been taken.
    fn draw(&mut self, model: &Model);

    /// Whether the last frame has been taken.
    fn is_free(&self) -> bool;

    /// Returns when the last frame has been taken.
    fn freed(&self) -> impl Future<Output = ()>;

    /// Its size now: columns and rows.
    fn size(&self) -> (u16, u16);

    /// What is shown, as text and as SVG, to be kept; nothing where nothing can be kept.
    fn picture(&self, _: &Model) -> Option<(String, String)> {
        None
    }

    /// What writes the post-mortem of what is known now; nothing where nothing can be kept.
    fn report(&self, _: &Model) -> Option<Report> {
        None
    }

    /// The person leaves: what should stay when the screen is given back.
    fn farewell(&mut self, _: &Model) {}

    /// Forgets what is shown, so that the next frame is drawn whole.
    fn repaint(&mut self);

    /// Puts a text into the clipboard of whoever sits there, with the next frame. Of several before
    /// it the last one counts.
    fn copy(&mut self, clip: Clip);

    /// Rings with the next frame.
    fn ring(&mut self);

    /// What typing does to a file that is edited. There is no default: a screen that forgot it would
    /// show an editor in which nothing can be typed.
    fn typing() -> fn(&Draft, &Typed) -> Draft;
}

/// What a session begins with.
#[derive(Debug)]
pub struct Begin {
    /// What lets it act; without one it only looks: nothing in it can act.
    pub crew: Option<Crew>,
    /// What reads for it.
    pub desk: Desk,
    /// Playbooks: the built-in ones and the user's.
    pub playbooks: &'static Playbooks,
    /// What is wrong with playbooks that were left out.
    pub playbook_flaws: Vec<String>,
    /// What the session before wanted to know again.
    pub kept: Option<String>,
    /// Name of the host.
    pub host: String,
    /// What the person's settings say.
    pub setup: Setup,
    /// Zone in which the person types times.
    pub zone: TimeZone,
    /// Edits that were broken off, each in a sentence.
    pub broken_off: Vec<String>,
    /// Terminals of consoles that were killed since the last start.
    pub unfinished: Vec<Text>,
    /// What must be so for a copied text to arrive; empty where only the terminal decides.
    pub clipboard_needs: &'static str,
    /// Where the session is recorded; `None` for nowhere.
    pub recorder: Option<recorder::Setup>,
    /// What is practised, and what comes from its world.
    pub lesson: Option<Lesson>,
}

/// A game on top of a session.
#[derive(Debug)]
pub struct Lesson {
    /// What is to be solved.
    pub task: Task,
    /// What its world measures ([`Event::Traffic`]).
    pub pulse: Receiver<Event>,
}

/// What a kiosk's session begins with: neither who acts nor who reads is among it. It looks at what
/// another process sees, and has no way to more.
///
/// ```compile_fail,E0560
/// use gatemedic::engine::{crew::Crew, live::Watch};
/// fn begin(watch: Watch, crew: Crew) -> Watch {
///     Watch { crew: Some(crew), ..watch }
/// }
/// ```
#[derive(Debug)]
pub struct Watch {
    /// What the broker says.
    pub feed: Feed,
    /// How it is run, and its lock.
    pub way: Way,
    /// What the person has set; no key of it acts here.
    pub setup: Setup,
    /// Name of the host.
    pub host: String,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person left.
    Quit,
    /// A signal asked for it.
    Signal(Signal),
    /// The terminal is gone.
    Lost,
    /// The process that reads is gone, and that has been shown.
    Severed,
    /// The player goes on to another game.
    Onward(Onward),
}

/// Runs a session until somebody ends it. The first frame is drawn before `launch` starts the
/// sources, so that it waits for none of them.
///
/// Keys and signals come on a lane of their own, so that a flood of log lines does not stand
/// before them; their place in the order of events is where they are folded. What is not taken when
/// it ends is left for whoever comes next on the same terminal.
pub async fn run<S: Screen>(
    launch: impl FnOnce() -> Running,
    inputs: &mut Receiver<Input>,
    mut screen: S,
    begin: Begin,
) -> End {
    let mut model = Model::new();
    model.case.now = clock::now();
    model.view.size = screen.size();
    model.powers = if begin.crew.is_some() { Powers::Act } else { Powers::Look };
    model.playbooks = begin.playbooks;
    model.playbook_flaws = begin.playbook_flaws;
    model.host = begin.host;
    model.began = model.case.now.wall;
    model.set_up(begin.setup);
    model.zone = Some(begin.zone);
    model.broken_off = begin.broken_off;
    model.unfinished = begin.unfinished;
    model.clipboard_needs = begin.clipboard_needs;
    if let Some(kept) = &begin.kept {
        model.restore(kept);
    }
    let pulse = begin.lesson.map(|lesson| {
        model.practise(lesson.task);
        lesson.pulse
    });
    screen.draw(&model);
    let knowledge = Knowledge::embedded().typing(S::typing());
    let running = launch();
    model.sources.clone_from(&running.ids);
    let Begin { crew, desk, recorder, .. } = begin;
    let recorder = recorder.and_then(|setup| Recorder::start(setup, running.ids.clone()));
    // The first frame is out: it waited for no disk.
    desk.read_history();
    let live = Live::new(model, running, screen);
    let live = Live { knowledge, crew, desk: Some(desk), recorder, pulse, ..live };
    turn_on(live, inputs).await
}

/// Runs a kiosk until it is ended. It takes a [`Watch`], and so nothing that could act:
///
/// ```compile_fail,E0308
/// use gatemedic::engine::live::{Begin, Screen, watch};
/// async fn start<S: Screen>(inputs: tokio::sync::mpsc::Receiver<gatemedic::host::terminal::Input>, screen: S, begin: Begin) {
///     watch(inputs, screen, begin).await;
/// }
/// ```
pub async fn watch<S: Screen>(mut inputs: Receiver<Input>, mut screen: S, begin: Watch) -> End {
    let mut model = Model::new();
    model.case.now = clock::now();
    model.view.size = screen.size();
    model.powers = Powers::Look;
    model.host = begin.host;
    model.set_up(begin.setup);
    // There is nothing to point at.
    model.view.mouse_off = true;
    let running = begin.feed.running();
    model.sources.clone_from(&running.ids);
    let vigil = Some(Vigil { keys: begin.way.keys, farewell: None });
    model.kiosk = Some(Kiosk::new(begin.way));
    screen.draw(&model);
    let live = Live::new(model, running, screen);
    turn_on(Live { vigil, ..live }, &mut inputs).await
}

impl End {
    /// It in words.
    const fn words(self) -> &'static str {
        match self {
            Self::Quit => "left",
            Self::Signal(_) => "ended by a signal",
            Self::Lost => "the terminal is gone",
            Self::Severed => "the process that reads is gone",
            Self::Onward(_) => "went on to another game",
        }
    }
}

async fn turn_on<S: Screen>(mut live: Live<S>, inputs: &mut Receiver<Input>) -> End {
    let mut ticks = interval_at(Instant::now() + SECOND, SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        if let Some(end) = live.turn(inputs, &mut ticks).await {
            live.running.tasks.abort_all();
            live.keep_what_is_left().await;
            if end == End::Quit {
                live.screen.farewell(&live.model);
            }
            if let Some(recorder) = live.recorder.take() {
                drop(recorder.finish(end.words(), recorder::FAREWELL));
            }
            return end;
        }
    }
}

struct Live<S> {
    model: Model,
    knowledge: Knowledge,
    running: Running,
    screen: S,
    pace: Pace,
    crew: Option<Crew>,
    desk: Option<Desk>,
    recorder: Option<Recorder>,
    /// What comes from a practice world.
    pulse: Option<Receiver<Event>>,
    /// What a kiosk has instead.
    vigil: Option<Vigil>,
    /// The question on the screen.
    arming: Option<Arming>,
    /// Whether the fold asked to go on.
    more: bool,
    /// Ticks until memory is given back; none before everybody has looked.
    lean_in: Option<u32>,
}

/// A question that has been drawn.
#[derive(Clone, Copy)]
struct Arming {
    ticket: u64,
    /// When a yes to it begins to count; `None` while the terminal has not taken its frame.
    at: Option<Instant>,
}

/// How a kiosk goes on.
struct Vigil {
    keys: bool,
    /// When it ends, once its broker is gone.
    farewell: Option<Instant>,
}

impl Vigil {
    /// Whether an input is looked at. Nobody suspends a kiosk.
    fn admits(&self, input: &Input) -> bool {
        match input {
            Input::Key(key) => self.keys && !(key.control && key.code == KeyCode::Char('z')),
            Input::Mouse(_) | Input::Paste(_) => self.keys,
            Input::Resized | Input::Resumed | Input::Signal(_) | Input::Lost => true,
        }
    }
}

impl<S: Screen> Live<S> {
    /// A session that can do nothing yet but fold and draw.
    fn new(model: Model, running: Running, screen: S) -> Self {
        let (knowledge, pace) = (Knowledge::embedded(), Pace::default());
        let (crew, desk, recorder, vigil, arming) = (None, None, None, None, None);
        let (pulse, more, lean_in) = (None, false, None);
        Self {
            model,
            knowledge,
            running,
            screen,
            pace,
            crew,
            desk,
            recorder,
            pulse,
            vigil,
            arming,
            more,
            lean_in,
        }
    }

    /// Has the incidents kept that this session leaves, as long as a person waits for it.
    async fn keep_what_is_left(&mut self) {
        let left = self.model.leave();
        if let (Some(desk), true) = (&self.desk, self.crew.is_some()) {
            desk.chronicle(left);
            desk.finish(FINISH).await;
        }
    }

    /// Waits for something to do and does it.
    async fn turn(&mut self, inputs: &mut Receiver<Input>, ticks: &mut Interval) -> Option<End> {
        let free = self.screen.is_free();
        let next = self.due(Instant::now(), free);
        let mut end = None;
        tokio::select! {
            biased;
            input = inputs.recv() => end = self.take(input?),
            () = self.screen.freed(), if !free => {}
            _ = ticks.tick() => {
                end = self.fold(&Event::Tick(clock::now()));
                self.grow_lean();
            }
            () = std::future::ready(()), if self.more => {
                self.more = false;
                end = self.fold(&Event::Continue);
            }
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            event = said(&mut self.crew) => end = self.fold(&event),
            event = read(&mut self.desk) => end = self.fold(&event),
            event = recorded(&mut self.recorder) => end = self.fold(&event),
            event = measured(&mut self.pulse) => end = self.fold(&event),
            Some(event) = self.running.events.recv() => {
                end = self.fold(&event);
                let began = Instant::now();
                for _ in 1..BATCH {
                    let Ok(event) = self.running.events.try_recv() else { break };
                    end = end.or(self.fold(&event));
                    if end.is_some() || began.elapsed() > BUDGET {
                        break;
                    }
                }
            }
        }
        // A text that comes as keys must not keep what they did from being drawn.
        for _ in 0..BATCH {
            let (None, Ok(input)) = (end, inputs.try_recv()) else { break };
            end = self.take(input);
        }
        end.or_else(|| self.catch_up())
    }

    /// Gives memory back that only the start needed, once everybody has looked, and now and then. A
    /// kiosk is shut in and starts nothing.
    fn grow_lean(&mut self) {
        if self.vigil.is_some() {
            return;
        }
        self.lean_in = match self.lean_in {
            None => self.swept().map(|_| CALMED),
            Some(0) => {
                sys::give_back();
                Some(AGAIN)
            }
            Some(ticks) => Some(ticks - 1),
        };
    }

    /// When there is something to do although nothing comes in.
    fn due(&self, now: Instant, free: bool) -> Option<Instant> {
        let frame = self.pace.frame_at(now).filter(|_| free);
        let settle =
            self.settles().then(|| self.pace.settle_at(now, self.swept(), self.model.has_news()));
        let farewell = self.vigil.as_ref().and_then(|vigil| vigil.farewell);
        let armed = self.arming.and_then(|arming| arming.at);
        frame.into_iter().chain(settle).chain(armed).chain(farewell).min()
    }

    /// Whether there is something to diagnose. A kiosk does it when its broker did, so that both
    /// come to the same.
    const fn settles(&self) -> bool {
        self.vigil.is_none() && self.model.is_stale()
    }

    /// Diagnoses and draws what is due. Whoever pressed a key sees it before anything is diagnosed.
    fn catch_up(&mut self) -> Option<End> {
        let mut end = None;
        self.question_taken();
        if self.pace.somebody_waits() {
            end = self.draw_what_is_due();
        }
        let (now, swept) = (Instant::now(), self.swept());
        if self.settles() && self.pace.settle_at(now, swept, self.model.has_news()) <= now {
            end = end.or(self.fold(&Event::Settle));
            self.pace.settled(now, now.elapsed(), swept);
        }
        if let Some(Arming { ticket, at: Some(at) }) = self.arming
            && at <= Instant::now()
        {
            self.arming = None;
            end = end.or(self.fold(&Event::Armed(ticket)));
        }
        let farewell = self.vigil.as_ref().and_then(|vigil| vigil.farewell);
        if farewell.is_some_and(|at| at <= now) {
            end = end.or(Some(End::Severed));
        }
        end.or_else(|| self.draw_what_is_due())
    }

    fn draw_what_is_due(&mut self) -> Option<End> {
        let now = Instant::now();
        let due = |pace: &Pace| pace.frame_at(now).is_some_and(|at| at <= now);
        if !due(&self.pace) || !self.screen.is_free() {
            return None;
        }
        // Nobody has told of it yet, and the frame would be of that size.
        let mut end = self.resized();
        if end.is_some() || !due(&self.pace) {
            return end;
        }
        let question = self.model.unseen_question();
        self.screen.draw(&self.model);
        self.pace.drawn(now);
        if let Some(ticket) = question {
            end = self.fold(&Event::Shown(ticket));
            self.arming = Some(Arming { ticket, at: None });
            self.question_taken();
        }
        end
    }

    /// Nobody has seen what a stalled terminal has not taken: only from then on the time counts.
    fn question_taken(&mut self) {
        if let Some(arming) = self.arming.as_mut().filter(|arming| arming.at.is_none())
            && self.screen.is_free()
        {
            arming.at = Some(Instant::now() + ARMING);
        }
    }

    /// Takes over the size of the screen.
    fn resized(&mut self) -> Option<End> {
        let (columns, rows) = self.screen.size();
        if (columns, rows) == self.model.view.size {
            return None;
        }
        self.pace.want_frame_of_new_size();
        self.fold(&Event::Resize(columns, rows))
    }

    /// The newest generation of attention, when all sources have looked at it.
    fn swept(&self) -> Option<u64> {
        let open = self.model.unswept(&self.running.ids);
        open.is_empty().then_some(self.model.attention.generation)
    }

    fn take(&mut self, input: Input) -> Option<End> {
        if self.vigil.as_ref().is_some_and(|vigil| !vigil.admits(&input)) {
            return None;
        }
        let event = match Taken::from(input) {
            Taken::Event(event) => event,
            Taken::Suspend => {
                terminal::suspend();
                return None;
            }
            Taken::Resized => return self.resized(),
            Taken::Resumed => {
                self.screen.repaint();
                Event::Tick(clock::now())
            }
            Taken::End(end) => return Some(end),
        };
        let end = self.fold(&event);
        self.pace.want_frame_now(Instant::now());
        end
    }

    fn fold(&mut self, event: &Event) -> Option<End> {
        let mut end = None;
        if let (Some(vigil), Event::Broker(BrokerWord::Gone(_))) = (&mut self.vigil, event) {
            vigil.farewell = Some(Instant::now() + FAREWELL);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.event(event);
        }
        let effects = update(&mut self.model, event, self.knowledge);
        if let Some(recorder) = &mut self.recorder {
            for effect in &effects {
                recorder.effect(effect);
            }
            if matches!(event, Event::Settle) {
                recorder.settled(&self.model);
            }
        }
        for effect in effects {
            match effect {
                Effect::Attend(attention) => {
                    self.running.attention.send_replace(attention);
                }
                Effect::Draw => self.pace.want_frame(),
                Effect::Continue => self.more = true,
                Effect::Quit => end = Some(End::Quit),
                Effect::Onward(onward) => end = Some(End::Onward(onward)),
                Effect::Copy(clip) => {
                    self.screen.copy(clip);
                    self.pace.want_frame();
                }
                Effect::Bell => {
                    self.screen.ring();
                    self.pace.want_frame();
                }
                Effect::ReadAudit => {
                    if let Some(desk) = &self.desk {
                        desk.read_audit();
                    }
                }
                Effect::SaveScreen => {
                    let desk = self.desk.as_ref();
                    if let Some((desk, picture)) = desk.zip(self.screen.picture(&self.model)) {
                        let (host, at) = (self.model.host.clone(), self.model.case.now.wall);
                        desk.save_screen(host, at, picture);
                    }
                }
                Effect::SaveReport => {
                    let desk = self.desk.as_ref();
                    if let Some((desk, report)) = desk.zip(self.screen.report(&self.model)) {
                        let (host, at) = (self.model.host.clone(), self.model.case.now.wall);
                        desk.save_report(host, at, report);
                    }
                }
                Effect::ReadFile(at) => {
                    if let Some(desk) = &self.desk {
                        desk.read_file(at);
                    }
                }
                other => {
                    if let (Some(crew), Some(desk)) = (&mut self.crew, &self.desk) {
                        act(crew, desk, other);
                    }
                }
            }
        }
        end
    }
}

/// What a session that may act asks for.
fn act(crew: &mut Crew, desk: &Desk, effect: Effect) {
    match effect {
        Effect::Prepare(plan) => crew.start(Order::Prepare { plan, rehearsal: false }),
        Effect::Rehearse(plan) => crew.start(Order::Prepare { plan, rehearsal: true }),
        Effect::Undo(sequence) => {
            crew.start(Order::TakeBack { sequence, rehearsal: false });
        }
        Effect::Send(order) => crew.send(order),
        Effect::Abandon => crew.abandon(),
        Effect::Remember(text) => desk.remember(text),
        Effect::Chronicle(entries) => desk.chronicle(entries),
        Effect::Attend(_)
        | Effect::Draw
        | Effect::Continue
        | Effect::Quit
        | Effect::Onward(_)
        | Effect::Copy(_)
        | Effect::Bell
        | Effect::ReadAudit
        | Effect::SaveScreen
        | Effect::SaveReport
        | Effect::ReadFile(_)
        | Effect::Replay(_) => {}
    }
}

/// What an executor says; never, without a crew.
async fn said(crew: &mut Option<Crew>) -> Event {
    match crew {
        Some(crew) => crew.next().await,
        None => std::future::pending().await,
    }
}

/// What was read for a session; never, without a desk.
async fn read(desk: &mut Option<Desk>) -> Event {
    match desk {
        Some(desk) => desk.next().await,
        None => std::future::pending().await,
    }
}

/// What the recorder has to say; never, without one.
async fn recorded(recorder: &mut Option<Recorder>) -> Event {
    match recorder {
        Some(recorder) => recorder.next().await,
        None => std::future::pending().await,
    }
}

/// What a practice world measures; never, where nothing is practised or the world has ended.
async fn measured(pulse: &mut Option<Receiver<Event>>) -> Event {
    if let Some(lane) = pulse {
        if let Some(event) = lane.recv().await {
            return event;
        }
        *pulse = None;
    }
    std::future::pending().await
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
