//! Starts every source on one queue.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    sync::Arc,
};

use futures_util::FutureExt;
use jiff::tz::TimeZone;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    host::scope::Scope,
    observation::SourceId,
    session::{Attention, Event},
    source::{self, AttentionWatch, Closed, Outlet},
};

/// Events that wait at most; a source that publishes more waits itself.
const QUEUE: usize = 4_096;

/// What a user may tell about where to look.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Configuration files to read besides those that are found.
    pub configs: Vec<PathBuf>,
    /// Docker's socket, when it is not in its usual place.
    pub docker: Option<PathBuf>,
    /// The practice world that is looked at, and nothing else of the machine.
    pub scope: Option<Scope>,
}

/// The running sources.
#[derive(Debug)]
pub struct Running {
    /// What they publish, in order.
    pub events: mpsc::Receiver<Event>,
    /// The same queue's entrance, for keys and ticks.
    pub queue: mpsc::Sender<Event>,
    /// What they watch.
    pub attention: watch::Sender<Arc<Attention>>,
    /// Which run.
    pub ids: Vec<SourceId>,
    /// Their tasks; dropping this ends them.
    pub tasks: JoinSet<()>,
}

/// Starts all sources. They read only: nothing here can change the machine.
pub fn start(options: &Options) -> Running {
    let (queue, events) = mpsc::channel(QUEUE);
    let (attention, watch) = watch::channel(Arc::new(Attention::default()));
    let mut running = Running { events, queue, attention, ids: Vec::new(), tasks: JoinSet::new() };
    spawn_all(&mut running, &watch, options);
    running
}

fn spawn_all(running: &mut Running, watch: &AttentionWatch, options: &Options) {
    let eye = || watch.clone();
    let configs = options.configs.clone();
    let scope = options.scope.clone();
    running.add(SourceId::Gateways, |outlet| source::gateways::run(outlet, eye(), configs, scope));
    let scope = options.scope.clone();
    running.add(SourceId::Listeners, |outlet| source::listeners::run(outlet, eye(), scope));
    running.add(SourceId::Processes, |outlet| source::processes::run(outlet, eye()));
    running.add(SourceId::SocketFiles, |outlet| source::sockfiles::run(outlet, eye()));
    running.add(SourceId::Probes, |outlet| source::probe::run(outlet, eye()));
    running.add(SourceId::Names, |outlet| source::names::run(outlet, eye()));
    running.add(SourceId::Logs, |outlet| source::log::run(outlet, eye(), TimeZone::system()));
    running.add(SourceId::Triage, |outlet| source::triage::run(outlet, eye(), TimeZone::system()));
    let places = source::managers::Places {
        scope: options.scope.clone(),
        ..source::managers::Places::default()
    };
    running.add(SourceId::Managers, |outlet| source::managers::run(outlet, eye(), places));
    // What is not a world's own would show a player the trouble of the real machine.
    if options.scope.is_none() {
        spawn_machine(running, watch, options);
    }
}

/// The sources that look at the machine as a whole.
fn spawn_machine(running: &mut Running, watch: &AttentionWatch, options: &Options) {
    let eye = || watch.clone();
    running.add(SourceId::Runtime, |outlet| source::runtime::run(outlet, eye()));
    running.add(SourceId::Units, |outlet| source::units::run(outlet, eye()));
    running.add(SourceId::Firewall, |outlet| source::firewall::run(outlet, eye()));
    running.add(SourceId::Journal, |outlet| source::journal::run(outlet, eye()));
    running.add(SourceId::Kernel, |outlet| source::kernel::run(outlet, eye()));
    running.add(SourceId::Cgroups, |outlet| source::cgroups::run(outlet, eye()));
    running.add(SourceId::Pressure, |outlet| source::pressure::run(outlet, eye()));
    running.add(SourceId::Disks, |outlet| source::disks::run(outlet, eye()));
    running
        .add(SourceId::Changes, |outlet| source::changes::run(outlet, eye(), TimeZone::system()));
    running.add(SourceId::Settings, |outlet| source::settings::run(outlet, eye()));
    let (docker, watch) = (options.docker.clone(), eye());
    running.add(SourceId::Docker, |outlet| {
        on_a_thread(move || source::docker::run(outlet, watch, docker))
    });
}

impl Running {
    /// Starts one source. It ends when nobody listens any more; when it fails by a fault of ours,
    /// that is said, and the rest goes on.
    fn add<F>(&mut self, id: SourceId, source: impl FnOnce(Outlet) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let outlet = Outlet::new(id, self.queue.clone());
        let watch = self.attention.subscribe();
        self.ids.push(id);
        let task = AssertUnwindSafe(source(outlet.clone())).catch_unwind();
        self.tasks.spawn(async move {
            if let Err(panic) = task.await {
                let words = words(&*panic);
                let _ = stopped(&outlet, watch, &words).await;
            }
        });
    }
}

/// Says that a source is no more, and answers for it: nobody waits for what cannot come.
async fn stopped(outlet: &Outlet, mut watch: AttentionWatch, words: &str) -> Result<(), Closed> {
    let why = format!("source stopped: internal error: {words}");
    outlet.blind("all", why, "everything that this source would have seen", "").await?;
    loop {
        let generation = watch.borrow_and_update().generation;
        outlet.swept(generation).await?;
        watch.changed().await.map_err(|_| Closed)?;
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let fixed = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    let made = || panic.downcast_ref::<String>().cloned();
    fixed.or_else(made).unwrap_or_else(|| "no message".to_owned())
}

/// Runs a source whose future cannot move between threads on a thread of its own.
async fn on_a_thread<F: Future>(source: impl FnOnce() -> F + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || drop(runtime.block_on(source()))).await;
    if let Some(panic) = done.err().and_then(|error| error.try_into_panic().ok()) {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Seen;

    fn nothing_runs() -> Running {
        let (queue, events) = mpsc::channel(QUEUE);
        let (attention, _) = watch::channel(Arc::new(Attention::default()));
        Running { events, queue, attention, ids: Vec::new(), tasks: JoinSet::new() }
    }

    async fn seen(running: &mut Running) -> Seen {
        match running.events.recv().await {
            Some(Event::Seen(observation)) => observation.seen,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_source_that_fails_becomes_a_blind_spot_and_is_not_waited_for() {
        let mut running = nothing_runs();
        running.add(SourceId::Disks, |_| async { panic!("index \x1b[2J out of bounds") });
        let Seen::Blind(spot) = seen(&mut running).await else { panic!("not blind") };
        assert_eq!(spot.source, SourceId::Disks);
        assert!(spot.why.to_string().starts_with("source stopped: internal error: index"));
        assert!(!spot.why.to_string().contains('\x1b'));
        assert_eq!(seen(&mut running).await, Seen::Swept { generation: 0 });
        let next = Attention { generation: 7, ..Attention::default() };
        running.attention.send_replace(Arc::new(next));
        assert_eq!(seen(&mut running).await, Seen::Swept { generation: 7 });
    }

    #[tokio::test]
    async fn a_source_that_fails_on_a_thread_of_its_own_is_no_different() {
        let mut running = nothing_runs();
        running.add(SourceId::Docker, |_| on_a_thread(|| async { panic!("no") }));
        assert!(matches!(seen(&mut running).await, Seen::Blind(_)));
    }
}
