//! A session from its first frame to its end.

use std::time::Duration;

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    engine::{
        recorder::{self, Recorder},
        sources::Running,
    },
    host::{clock, terminal::Input},
    session::{Knowledge, Model, Powers, kiosk::Kiosk},
};

use super::{Begin, End, Screen, Watch, crank::Live, vigil::Vigil};

/// The clock on the screen.
const SECOND: Duration = Duration::from_secs(1);

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

async fn turn_on<S: Screen>(mut live: Live<S>, inputs: &mut Receiver<Input>) -> End {
    let mut ticks = interval_at(Instant::now() + SECOND, SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        if let Some(end) = live.turn(inputs, &mut ticks).await {
            live.running.tasks.abort_all();
            live.keep_what_is_left().await;
            if end == End::Quit {
                live.shown.screen.farewell(&live.shown.model);
            }
            if let Some(recorder) = live.recorder.take() {
                drop(recorder.finish(end.words(), recorder::FAREWELL));
            }
            return end;
        }
    }
}
