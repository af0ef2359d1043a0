//! The turns of a session: it waits for something to do, and does it.

use std::time::Duration;

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, Interval, sleep_until},
};

use crate::{
    engine::{
        crew::Crew,
        desk::Desk,
        recorder::Recorder,
        shown::{Crank, Shown},
        sources::Running,
    },
    host::{clock, sys, terminal::Input},
    session::{Event, Knowledge, Model},
};

use super::{
    End, Screen,
    lanes::{measured, read, recorded, said},
    vigil::Vigil,
};

/// Events folded before keys are looked at again, if that takes no longer than [`BUDGET`].
const BATCH: usize = 256;
/// Longest time for a batch: a quarter of what a person may wait for an answer to a key.
const BUDGET: Duration = Duration::from_millis(4);
/// A question must have stood on the screen for so long before a yes to it counts.
const ARMING: Duration = Duration::from_millis(300);
/// Ticks after everybody has looked for the first time until what only the start needed is given
/// back, and from then on between two times.
const CALMED: u32 = 5;
const AGAIN: u32 = 600;
/// How long the end of a session waits for a slow disk.
const FINISH: Duration = Duration::from_secs(1);

pub(super) struct Live<S> {
    pub(super) shown: Shown<S>,
    pub(super) knowledge: Knowledge,
    pub(super) running: Running,
    pub(super) crew: Option<Crew>,
    pub(super) desk: Option<Desk>,
    pub(super) recorder: Option<Recorder>,
    /// What comes from a practice world.
    pub(super) pulse: Option<Receiver<Event>>,
    /// What a kiosk has instead.
    pub(super) vigil: Option<Vigil>,
    /// The question on the screen.
    pub(super) arming: Option<Arming>,
    /// Whether the fold asked to go on.
    pub(super) more: bool,
    /// Ticks until memory is given back; none before everybody has looked.
    pub(super) lean_in: Option<u32>,
}

/// A question that has been drawn.
#[derive(Clone, Copy)]
pub(super) struct Arming {
    pub(super) ticket: u64,
    /// When a yes to it begins to count; `None` while the terminal has not taken its frame.
    pub(super) at: Option<Instant>,
}

impl<S: Screen> Crank for Live<S> {
    type Screen = S;

    fn shown(&mut self) -> &mut Shown<S> {
        &mut self.shown
    }

    fn fold(&mut self, event: &Event) -> Option<End> {
        self.fold_in(event)
    }

    fn admits(&self, input: &Input) -> bool {
        self.vigil.as_ref().is_none_or(|vigil| vigil.admits(input))
    }

    fn resumed(&mut self) -> Option<Event> {
        Some(Event::Tick(clock::now()))
    }

    fn asked(&mut self, ticket: u64) -> Option<End> {
        let end = self.fold(&Event::Shown(ticket));
        self.arming = Some(Arming { ticket, at: None });
        self.question_taken();
        end
    }
}

impl<S: Screen> Live<S> {
    /// A session that can do nothing yet but fold and draw.
    pub(super) fn new(model: Model, running: Running, screen: S) -> Self {
        Self {
            shown: Shown::new(model, screen),
            knowledge: Knowledge::embedded(),
            running,
            crew: None,
            desk: None,
            recorder: None,
            pulse: None,
            vigil: None,
            arming: None,
            more: false,
            lean_in: None,
        }
    }

    /// Has the incidents kept that this session leaves, as long as a person waits for it.
    pub(super) async fn keep_what_is_left(&mut self) {
        let left = self.shown.model.leave();
        if let (Some(desk), true) = (&self.desk, self.crew.is_some()) {
            desk.chronicle(left);
            desk.finish(FINISH).await;
        }
    }

    /// Waits for something to do and does it.
    pub(super) async fn turn(
        &mut self,
        inputs: &mut Receiver<Input>,
        ticks: &mut Interval,
    ) -> Option<End> {
        let free = self.shown.screen.is_free();
        let next = self.due(Instant::now());
        let mut end = None;
        tokio::select! {
            biased;
            input = inputs.recv() => end = self.take(input?),
            () = self.shown.screen.freed(), if !free => {}
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
    fn due(&self, now: Instant) -> Option<Instant> {
        let frame = self.shown.frame_at(now);
        let settle = self.settle_at(now);
        let farewell = self.vigil.as_ref().and_then(|vigil| vigil.farewell);
        let armed = self.arming.and_then(|arming| arming.at);
        frame.into_iter().chain(settle).chain(armed).chain(farewell).min()
    }

    /// When there is something to diagnose. A kiosk does it when its broker did, so that both come to the
    /// same.
    fn settle_at(&self, now: Instant) -> Option<Instant> {
        self.shown.settle_at(now, self.swept()).filter(|_| self.vigil.is_none())
    }

    /// Diagnoses and draws what is due. Whoever pressed a key sees it before anything is diagnosed.
    fn catch_up(&mut self) -> Option<End> {
        let mut end = None;
        self.question_taken();
        if self.shown.pace.somebody_waits() {
            end = self.draw_what_is_due();
        }
        let (now, swept) = (Instant::now(), self.swept());
        if self.settle_at(now).is_some_and(|at| at <= now) {
            end = end.or(self.fold(&Event::Settle));
            self.shown.pace.settled(now, now.elapsed(), swept);
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

    /// Nobody has seen what a stalled terminal has not taken: only from then on the time counts.
    fn question_taken(&mut self) {
        if let Some(arming) = self.arming.as_mut().filter(|arming| arming.at.is_none())
            && self.shown.screen.is_free()
        {
            arming.at = Some(Instant::now() + ARMING);
        }
    }

    /// The newest generation of attention, when all sources have looked at it.
    fn swept(&self) -> Option<u64> {
        let open = self.shown.model.unswept(&self.running.ids);
        open.is_empty().then_some(self.shown.model.attention.generation)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
