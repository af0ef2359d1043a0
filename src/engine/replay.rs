//! The crank of a recording: nothing is looked at but its bytes, and nothing can be done.

use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    host::terminal::Input,
    remedy::Playbooks,
    session::{
        Effect, Event, Knowledge, Model, Setup,
        replay::{Ask, Reel},
        update,
    },
};

use super::{
    live::{End, Screen},
    shown::{Crank, Shown},
};

/// Between two looks at the clock while it plays.
const FRAME: Duration = Duration::from_millis(33);
/// Longest time for reading ahead before keys are looked at again.
const BUDGET: Duration = Duration::from_millis(4);
/// Inputs that are taken before a frame is drawn.
const BATCH: usize = 256;

/// What a replay begins with: neither who acts nor who reads the host is among it, so that it has no
/// way to either.
///
/// ```compile_fail,E0560
/// use gatemedic::engine::{crew::Crew, replay::Begin};
/// fn begin(begin: Begin, crew: Crew) -> Begin {
///     Begin { crew: Some(crew), ..begin }
/// }
/// ```
///
/// ```compile_fail,E0560
/// use gatemedic::engine::{desk::Desk, replay::Begin};
/// fn begin(begin: Begin, desk: Desk) -> Begin {
///     Begin { desk, ..begin }
/// }
/// ```
#[derive(Debug)]
pub struct Begin {
    /// The recording.
    pub reel: Reel,
    /// What is added to it while it grows.
    pub growth: Option<Receiver<Vec<u8>>>,
    /// Where to go first; it is played from the beginning where nobody said, and goes on where it
    /// grows.
    pub first: Option<Ask>,
    /// What the person's settings say.
    pub setup: Setup,
    /// Playbooks: the built-in ones and the user's.
    pub playbooks: &'static Playbooks,
    /// Zone in which the person types times.
    pub zone: TimeZone,
    /// What must be so for a copied text to arrive; empty where only the terminal decides.
    pub clipboard_needs: &'static str,
}

/// Shows a recording until somebody ends it.
pub async fn replay<S: Screen>(inputs: Receiver<Input>, screen: S, begin: Begin) -> End {
    let mut model = Model::of_recording();
    model.view.size = screen.size();
    model.playbooks = begin.playbooks;
    model.zone = Some(begin.zone);
    model.clipboard_needs = begin.clipboard_needs;
    model.set_up(begin.setup);
    let mut reel = begin.reel;
    if begin.first.is_none() {
        reel.play();
    }
    reel.show(&mut model);
    let mut player = Player {
        shown: Shown::new(model, screen),
        knowledge: Knowledge::embedded().typing(S::typing()),
        reel,
        growth: begin.growth,
        more: false,
        reads: true,
        passed: Instant::now(),
    };
    if let Some(first) = begin.first {
        player.ask(first);
    }

    player.shown.screen.draw(&player.shown.model);
    player.run(inputs).await
}

struct Player<S> {
    shown: Shown<S>,
    knowledge: Knowledge,
    reel: Reel,
    growth: Option<Receiver<Vec<u8>>>,
    /// Whether the fold asked to go on.
    more: bool,
    /// Whether there is something left to read.
    reads: bool,
    /// Up to when time has been taken in.
    passed: Instant,
}

impl<S: Screen> Player<S> {
    async fn run(mut self, mut inputs: Receiver<Input>) -> End {
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            if let Some(end) = self.turn(&mut inputs, &mut frames).await {
                return end;
            }
        }
    }

    /// Waits for something to do and does it.
    async fn turn(&mut self, inputs: &mut Receiver<Input>, frames: &mut Interval) -> Option<End> {
        let free = self.shown.screen.is_free();
        let next = self.due(Instant::now());
        let mut end = None;
        tokio::select! {
            biased;
            input = inputs.recv() => end = self.take(input?),
            () = self.shown.screen.freed(), if !free => {}
            _ = frames.tick(), if self.reel.is_playing() => self.pass(),
            () = std::future::ready(()), if self.more => {
                self.more = false;
                end = self.fold(&Event::Continue);
            }
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            bytes = added(&mut self.growth) => self.grow(bytes),
            () = std::future::ready(()), if self.reads => self.read(),
        }
        for _ in 0..BATCH {
            let (None, Ok(input)) = (end, inputs.try_recv()) else { break };
            end = self.take(input);
        }
        end.or_else(|| self.catch_up())
    }

    /// When there is something to do although nothing comes in.
    fn due(&self, now: Instant) -> Option<Instant> {
        let settle = self.shown.settle_at(now, None);
        self.shown.frame_at(now).into_iter().chain(settle).min()
    }

    /// Reads ahead.
    fn read(&mut self) {
        let began = Instant::now();
        while self.reads && began.elapsed() < BUDGET {
            self.reads = self.reel.read_on(self.knowledge);
        }
        if self.shown.model.host.is_empty()
            && let Some(header) = self.reel.header()
        {
            self.shown.model.host = header.host.to_string();
        }
        let found = self.reel.look_again(&mut self.shown.model, self.knowledge);
        // What is read ahead is seen on the axis within the frame rate.
        if found || !self.reads || self.shown.pace.frame_at(began).is_none() {
            self.reel.show(&mut self.shown.model);
            self.shown.pace.want_frame();
        }
    }

    /// Takes what was added to a recording that grows.
    fn grow(&mut self, bytes: Option<Vec<u8>>) {
        match bytes {
            Some(bytes) => self.reel.feed(&bytes),
            None => self.growth = None,
        }
        self.reads = true;
    }

    /// Lets the time pass that has passed.
    fn pass(&mut self) {
        let now = Instant::now();
        let micros = now.saturating_duration_since(self.passed).min(FRAME * 30).as_micros();
        self.passed = now;
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        if self.reel.pass(&mut self.shown.model, micros, self.knowledge) {
            self.sync();
            self.shown.pace.want_frame();
        }
    }

    /// Does what is asked of the recording.
    fn ask(&mut self, ask: Ask) {
        self.passed = Instant::now();
        self.reel.ask(&mut self.shown.model, ask, self.knowledge);
        self.sync();
    }

    /// The view of the logs goes along with the lines.
    fn sync(&mut self) {
        let effects = update(&mut self.shown.model, &Event::Continue, self.knowledge);
        self.more |= effects.contains(&Effect::Continue);
    }

    /// Diagnoses and draws what is due.
    fn catch_up(&mut self) -> Option<End> {
        let mut end = None;
        let now = Instant::now();
        if self.shown.settle_at(now, None).is_some_and(|at| at <= now) {
            end = self.fold(&Event::Settle);
            self.shown.pace.settled(now, now.elapsed(), None);
        }
        end.or_else(|| self.draw_what_is_due())
    }
}

impl<S: Screen> Crank for Player<S> {
    type Screen = S;

    fn shown(&mut self) -> &mut Shown<S> {
        &mut self.shown
    }

    fn resumed(&mut self) -> Option<Event> {
        self.passed = Instant::now();
        None
    }

    fn fold(&mut self, event: &Event) -> Option<End> {
        let mut end = None;
        for effect in update(&mut self.shown.model, event, self.knowledge) {
            match effect {
                Effect::Draw => self.shown.pace.want_frame(),
                Effect::Continue => self.more = true,
                Effect::Quit => end = Some(End::Quit),
                Effect::Replay(ask) => self.ask(ask),
                Effect::Copy(clip) => {
                    self.shown.screen.copy(clip);
                    self.shown.pace.want_frame();
                }
                Effect::Bell => self.shown.screen.ring(),
                // The recording is the audit, and it is there.
                Effect::ReadAudit => {
                    let told = self.shown.model.audit.clone().unwrap_or_else(|| Ok(Vec::new()));
                    end = end.or(self.fold(&Event::Audit(told)));
                }
                // There are no sources to turn, nobody who could act, and nothing is kept.
                Effect::Attend(_)
                | Effect::Prepare(_)
                | Effect::Rehearse(_)
                | Effect::Undo(_)
                | Effect::Send(_)
                | Effect::Abandon
                | Effect::SaveScreen
                | Effect::SaveReport
                | Effect::ReadFile(_)
                | Effect::Onward(_)
                | Effect::Remember(_)
                | Effect::Chronicle(_) => {}
            }
        }
        end
    }
}

/// What is added to a recording; never, where it does not grow.
async fn added(growth: &mut Option<Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match growth {
        Some(growth) => growth.recv().await,
        None => std::future::pending().await,
    }
}
