//! What every session has that is shown: a model, its screen, and when it is drawn.

use tokio::time::Instant;

use crate::{
    host::terminal::{self, Input},
    session::{Event, Model},
};

use super::{
    input::Taken,
    live::{End, Screen},
    pace::Pace,
};

/// A model and where it is shown.
pub(super) struct Shown<S> {
    pub(super) model: Model,
    pub(super) screen: S,
    pub(super) pace: Pace,
}

/// What folds events into a model that is shown.
pub(super) trait Crank {
    /// Where it is shown.
    type Screen: Screen;

    fn shown(&mut self) -> &mut Shown<Self::Screen>;

    fn fold(&mut self, event: &Event) -> Option<End>;

    /// A frame went out, with a question in it that was not seen before.
    fn asked(&mut self, _question: u64) -> Option<End> {
        None
    }

    /// Whether an input is taken at all.
    fn admits(&self, _input: &Input) -> bool {
        true
    }

    /// The session goes on after a stop. What is to be folded then.
    fn resumed(&mut self) -> Option<Event>;

    /// Takes what a person did.
    fn take(&mut self, input: Input) -> Option<End> {
        if !self.admits(&input) {
            return None;
        }
        let event = match Taken::from(input) {
            Taken::Event(event) => Some(event),
            Taken::Suspend => {
                terminal::suspend();
                return None;
            }
            Taken::Resized => return self.resized(),
            Taken::Resumed => {
                self.shown().screen.repaint();
                self.resumed()
            }
            Taken::End(end) => return Some(end),
        };
        let end = event.and_then(|event| self.fold(&event));
        self.shown().pace.want_frame_now(Instant::now());
        end
    }

    /// Takes over the size of the screen.
    fn resized(&mut self) -> Option<End> {
        let event = self.shown().new_size()?;
        self.fold(&event)
    }

    /// Draws where a frame is due and the last one has been taken.
    fn draw_what_is_due(&mut self) -> Option<End> {
        let now = Instant::now();
        if !self.shown().is_due(now) {
            return None;
        }
        // Nobody has told of it yet, and the frame would be of that size.
        let end = self.resized();
        if end.is_some() || !self.shown().is_due(now) {
            return end;
        }
        let question = self.shown().draw(now);
        question.and_then(|ticket| self.asked(ticket))
    }
}

impl<S: Screen> Shown<S> {
    pub(super) fn new(model: Model, screen: S) -> Self {
        Self { model, screen, pace: Pace::default() }
    }

    /// When the next frame is due; never while the last one has not been taken.
    pub(super) fn frame_at(&self, now: Instant) -> Option<Instant> {
        self.pace.frame_at(now).filter(|_| self.screen.is_free())
    }

    /// When the model is diagnosed next, where there is something to diagnose. `swept` is the generation of
    /// attention that all sources have looked at.
    pub(super) fn settle_at(&self, now: Instant, swept: Option<u64>) -> Option<Instant> {
        let at = || self.pace.settle_at(now, swept, self.model.has_news());
        self.model.is_stale().then(at)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.frame_at(now).is_some_and(|at| at <= now)
    }

    /// The event that takes over the size of the screen, where it has another one.
    fn new_size(&mut self) -> Option<Event> {
        let (columns, rows) = self.screen.size();
        if (columns, rows) == self.model.view.size {
            return None;
        }
        self.pace.want_frame_of_new_size();
        Some(Event::Resize(columns, rows))
    }

    /// Draws. The question that is seen by it for the first time.
    fn draw(&mut self, now: Instant) -> Option<u64> {
        let question = self.model.unseen_question();
        self.screen.draw(&self.model);
        self.pace.drawn(now);
        question
    }
}
