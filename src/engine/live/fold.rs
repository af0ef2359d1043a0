//! Folding an event, and doing what follows from it.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    engine::{crew::Crew, desk::Desk},
    remedy::Order,
    session::{BrokerWord, Effect, Event, update},
};

use super::{End, Screen, crank::Live};

/// How long a kiosk says that its broker is gone before it ends, for whoever started it to start
/// both again.
const FAREWELL: Duration = Duration::from_secs(10);

impl<S: Screen> Live<S> {
    pub(super) fn fold_in(&mut self, event: &Event) -> Option<End> {
        let mut end = None;
        if let (Some(vigil), Event::Broker(BrokerWord::Gone(_))) = (&mut self.vigil, event) {
            vigil.farewell = Some(Instant::now() + FAREWELL);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.event(event);
        }
        let effects = update(&mut self.shown.model, event, self.knowledge);
        if let Some(recorder) = &mut self.recorder {
            for effect in &effects {
                recorder.effect(effect);
            }
            if matches!(event, Event::Settle) {
                recorder.settled(&self.shown.model);
            }
        }
        for effect in effects {
            match effect {
                Effect::Attend(attention) => {
                    self.running.attention.send_replace(attention);
                }
                Effect::Draw => self.shown.pace.want_frame(),
                Effect::Continue => self.more = true,
                Effect::Quit => end = Some(End::Quit),
                Effect::Onward(onward) => end = Some(End::Onward(onward)),
                Effect::Copy(clip) => {
                    self.shown.screen.copy(clip);
                    self.shown.pace.want_frame();
                }
                Effect::Bell => {
                    self.shown.screen.ring();
                    self.shown.pace.want_frame();
                }
                Effect::ReadAudit => {
                    if let Some(desk) = &self.desk {
                        desk.read_audit();
                    }
                }
                Effect::SaveScreen => {
                    let desk = self.desk.as_ref();
                    if let Some((desk, picture)) =
                        desk.zip(self.shown.screen.picture(&self.shown.model))
                    {
                        let (host, at) =
                            (self.shown.model.host.clone(), self.shown.model.case.now.wall);
                        desk.save_screen(host, at, picture);
                    }
                }
                Effect::SaveReport => {
                    let desk = self.desk.as_ref();
                    if let Some((desk, report)) =
                        desk.zip(self.shown.screen.report(&self.shown.model))
                    {
                        let (host, at) =
                            (self.shown.model.host.clone(), self.shown.model.case.now.wall);
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
