//! Starts every source on one queue.

use std::{path::PathBuf, sync::Arc};

use jiff::tz::TimeZone;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    observation::SourceId,
    session::{Attention, Event},
    source::{self, AttentionWatch, Outlet},
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
    running.add(SourceId::Gateways, |outlet| source::gateways::run(outlet, eye(), configs));
    running.add(SourceId::Listeners, |outlet| source::listeners::run(outlet, eye()));
    running.add(SourceId::Processes, |outlet| source::processes::run(outlet, eye()));
    running.add(SourceId::SocketFiles, |outlet| source::sockfiles::run(outlet, eye()));
    running.add(SourceId::Probes, |outlet| source::probe::run(outlet, eye()));
    running.add(SourceId::Units, |outlet| source::units::run(outlet, eye()));
    running.add(SourceId::Names, |outlet| source::names::run(outlet, eye()));
    running.add(SourceId::Logs, |outlet| source::log::run(outlet, eye(), TimeZone::system()));
    running.add(SourceId::Kernel, |outlet| source::kernel::run(outlet, eye()));
    running.add(SourceId::Cgroups, |outlet| source::cgroups::run(outlet, eye()));
    running.add(SourceId::Pressure, |outlet| source::pressure::run(outlet, eye()));
    running.add(SourceId::Disks, |outlet| source::disks::run(outlet, eye()));
    let (docker, watch) = (options.docker.clone(), eye());
    running.add(SourceId::Docker, |outlet| {
        on_a_thread(move || source::docker::run(outlet, watch, docker))
    });
}

impl Running {
    /// Starts one source. How it ends does not matter: it ends when nobody listens any more.
    fn add<F>(&mut self, id: SourceId, source: impl FnOnce(Outlet) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = source(Outlet::new(id, self.queue.clone()));
        self.ids.push(id);
        self.tasks.spawn(async move { drop(task.await) });
    }
}

/// Runs a source whose future cannot move between threads on a thread of its own.
async fn on_a_thread<F: Future>(source: impl FnOnce() -> F + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    // A panic in there ends that source alone; its silence shows as an unfinished sweep.
    drop(tokio::task::spawn_blocking(move || drop(runtime.block_on(source()))).await);
}
