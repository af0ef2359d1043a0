//! The task: list once, then follow signals, and list again once a minute.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{files, table::Table, templates};
use crate::{
    host::{
        files::Root,
        systemd::{LoadedUnit, Pending, SYSTEM_BUS, Systemd, SystemdError},
    },
    observation::UnitName,
    source::{
        AttentionWatch, Closed, Outlet,
        claims::{self, Declaration, Reader, Survey, Wanted},
        journal,
        sweep::Blindness,
    },
};

/// Loaded units that are read at most.
const UNITS: usize = 2000;

/// Questions under way at once.
const PIPELINE: usize = 32;

/// Changes of one unit within this time are read once.
const COALESCE: Duration = Duration::from_millis(100);

/// Everything is listed again this often, in case a signal was lost.
const RELIST: Duration = Duration::from_mins(1);

/// Longest wait for the files of units (a dead network file system, for example).
const FILES_DEADLINE: Duration = Duration::from_millis(700);

/// Stopped units whose logs are asked for the address that they served.
const SILENT: usize = 32;

/// Units besides services and sockets that are read.
const NAMED_UNITS: usize = 64;

/// Unreadable files that are named.
const NAMED: usize = 8;

const ADDRESSES: &str = "which addresses its unit should serve";
const STATES: &str = "state, exits, restarts and limits of all units";

enum End {
    Closed,
    Lost(SystemdError),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<SystemdError> for End {
    fn from(error: SystemdError) -> Self {
        Self::Lost(error)
    }
}

/// Watches the units of the host until the session ends.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    run_on(outlet, attention, SYSTEM_BUS, Root::default()).await;
}

/// As [`run`], on another bus and another file tree.
pub async fn run_on(outlet: Outlet, attention: AttentionWatch, bus: &str, root: Root) {
    let mut watch = Watch {
        outlet,
        attention,
        root,
        wanted: Wanted::default(),
        table: Table::default(),
        unloaded: None,
        reader: None,
        limits: BTreeMap::new(),
        told: Blindness::default(),
    };
    let mut pause = Duration::from_secs(1);
    loop {
        let error = match watch.session(bus, &mut pause).await {
            Ok(never) => match never {},
            Err(End::Closed) => return,
            Err(End::Lost(error)) => error,
        };
        if watch.wait_blind(&error, pause).await.is_err() {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}

struct Watch {
    outlet: Outlet,
    attention: AttentionWatch,
    root: Root,
    wanted: Wanted,
    table: Table,
    /// What unit files declare whose units are not loaded.
    unloaded: Option<Vec<Declaration>>,
    reader: Option<Reader>,
    /// Why something was left out and what that hides, by what it is.
    limits: BTreeMap<String, (String, &'static str)>,
    told: Blindness,
}

impl Watch {
    /// One connection, until it is lost.
    async fn session(
        &mut self,
        bus: &str,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, End> {
        let mut systemd = Systemd::connect(bus).await?;
        systemd.subscribe().await?;
        let mut generation = self.look_at_attention();
        self.relist(&systemd).await?;
        self.publish().await?;
        self.outlet.swept(generation).await?;
        *pause = Duration::from_secs(1);
        let mut again = interval(RELIST);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        again.reset();
        loop {
            tokio::select! {
                changed = self.attention.changed() => {
                    changed.map_err(|_| End::Closed)?;
                    let before = self.wanted.clone();
                    generation = self.look_at_attention();
                    let named = self.read_named(&systemd).await?;
                    if before != self.wanted {
                        self.survey_all(&systemd).await?;
                    }
                    if named || before != self.wanted {
                        self.publish().await?;
                    }
                    self.outlet.swept(generation).await?;
                }
                () = systemd.changes().wait() => {
                    sleep(COALESCE).await;
                    let pending = systemd.changes().take();
                    self.reread(&systemd, pending).await?;
                    self.publish().await?;
                }
                _ = again.tick() => {
                    self.relist(&systemd).await?;
                    self.publish().await?;
                }
            }
        }
    }

    /// Says that nothing can be seen, and goes on answering while it waits.
    async fn wait_blind(&mut self, error: &SystemdError, pause: Duration) -> Result<(), Closed> {
        let grant = match error {
            SystemdError::Denied(_) => {
                "allow this user to call org.freedesktop.systemd1 on the system bus"
            }
            SystemdError::Hung => "find out why dbus-daemon or systemd does not answer",
            _ => "",
        };
        let mut spots = Blindness::default();
        spots.add("all", &error.to_string(), STATES, grant);
        self.told.replace(spots, &self.outlet).await?;
        let until = tokio::time::Instant::now() + pause;
        loop {
            let generation = self.look_at_attention();
            self.outlet.swept(generation).await?;
            tokio::select! {
                changed = self.attention.changed() => changed.map_err(|_| Closed)?,
                () = tokio::time::sleep_until(until) => return Ok(()),
            }
        }
    }

    fn look_at_attention(&mut self) -> u64 {
        let attention = self.attention.borrow_and_update();
        self.wanted = Wanted::new(&attention);
        attention.generation
    }

    /// Reads every service and socket.
    async fn relist(&mut self, systemd: &Systemd) -> Result<(), End> {
        let mut loaded = systemd.loaded().await?;
        self.limits.clear();
        let attention = self.attention.borrow().units.clone();
        let rank = |unit: &LoadedUnit| {
            let trouble = matches!(unit.active.as_str(), "failed" | "activating" | "reloading");
            (!attention.contains(&unit.name), !trouble, unit.active == "inactive")
        };
        loaded.retain(|unit| unit.load != "not-found" || attention.contains(&unit.name));
        loaded.sort_by_cached_key(rank);
        if loaded.len() > UNITS {
            let why = format!("{} units are loaded", loaded.len());
            let what = format!("units beyond the first {UNITS}");
            self.limits.insert(what, (why, "their state"));
            loaded.truncate(UNITS);
        }
        self.read(systemd, loaded.iter().map(|unit| unit.name.clone()).collect()).await?;
        self.read_named(systemd).await?;
        self.unloaded = None;
        let loaded: BTreeSet<UnitName> = loaded.into_iter().map(|unit| unit.name).collect();
        for (name, on_disk) in self.table.names() {
            if loaded.contains(&name) {
                continue;
            }
            if on_disk {
                self.read_file(systemd, &name).await?;
            } else {
                self.unloaded(systemd, &name).await?;
            }
        }
        self.survey_all(systemd).await
    }

    /// Reads the files of units that are not loaded.
    async fn unloaded_declarations(&mut self) -> Vec<Declaration> {
        if let Some(known) = &self.unloaded {
            return known.clone();
        }
        let root = self.root.clone();
        let loaded: BTreeSet<UnitName> =
            self.table.names().into_iter().map(|(name, _)| name).collect();
        let read = tokio::task::spawn_blocking(move || files::declarations(&root, &loaded));
        match timeout(FILES_DEADLINE, read).await {
            Ok(Ok(found)) => self.unloaded.insert(found).clone(),
            _ => Vec::new(),
        }
    }

    /// What instances of templates would declare that are not loaded.
    async fn instances(&self) -> Vec<Declaration> {
        let (root, wanted) = (self.root.clone(), self.wanted.clone());
        let known = self.table.names().into_iter().map(|(name, _)| name).collect();
        let read =
            tokio::task::spawn_blocking(move || templates::declarations(&root, &wanted, &known));
        timeout(FILES_DEADLINE, read).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Reads units that were asked for by name and that no list has: what is neither service nor
    /// socket (a mount, for example, without which a service cannot start), and services that are not
    /// loaded. Says whether there were any.
    async fn read_named(&mut self, systemd: &Systemd) -> Result<bool, End> {
        let listed = |name: &UnitName| {
            [".service", ".socket"].iter().any(|end| name.as_str().ends_with(end))
        };
        let units = self.attention.borrow().units.clone();
        let named: Vec<UnitName> =
            units.into_iter().filter(|name| !listed(name)).take(NAMED_UNITS).collect();
        // systemd forgets a service that was stopped and that nothing needs: its file is still there.
        let known: BTreeSet<UnitName> =
            self.table.names().into_iter().map(|(name, _)| name).collect();
        let attention = self.attention.borrow().units.clone();
        let forgotten: Vec<UnitName> = attention
            .into_iter()
            .filter(|name| listed(name) && !known.contains(name))
            .take(NAMED_UNITS)
            .collect();
        let some = !named.is_empty() || !forgotten.is_empty();
        self.read(systemd, named).await?;
        for name in forgotten {
            self.read_file(systemd, &name).await?;
        }
        Ok(some)
    }

    /// Reads units that are loaded.
    async fn read(&mut self, systemd: &Systemd, names: Vec<UnitName>) -> Result<(), End> {
        let ask = |name: UnitName| async move { (systemd.properties(&name).await, name) };
        let mut answers = stream::iter(names).map(ask).buffer_unordered(PIPELINE);
        while let Some((answer, name)) = answers.next().await {
            match answer {
                Ok(properties) => {
                    let asked_for = self.attention.borrow().units.contains(&name);
                    self.table.take_in(&properties, false, asked_for);
                }
                Err(SystemdError::NoSuchUnit) => self.table.forget(&name),
                Err(error @ (SystemdError::Hung | SystemdError::Absent(_))) => {
                    return Err(error.into());
                }
                Err(error) => {
                    self.limits.insert(name.to_string(), (error.to_string(), "its state"));
                }
            }
        }
        Ok(())
    }

    /// Reads what signals named.
    async fn reread(&mut self, systemd: &Systemd, pending: Pending) -> Result<(), End> {
        if pending.closed {
            return Err(SystemdError::Other("the system bus closed the connection".into()).into());
        }
        if pending.relist {
            return self.relist(systemd).await;
        }
        let mut changed = Vec::new();
        for (name, presence) in pending.units {
            // Asking for the properties of an unloaded unit would load it, which is a change of
            // its own: without this question the two would feed each other for ever.
            if (presence || self.table.on_disk(&name) != Some(false))
                && !systemd.is_loaded(&name).await?
            {
                self.unloaded(systemd, &name).await?;
            } else {
                changed.push(name);
            }
        }
        self.read(systemd, changed.clone()).await?;
        let declarations = changed.iter().filter_map(|n| self.table.declaration(n)).collect();
        let survey = self.survey(declarations).await;
        for (name, found) in survey.found {
            self.table.found(&name, found);
        }
        Ok(())
    }

    /// A unit was unloaded: when it should serve something, it stays in sight by its file.
    async fn unloaded(&mut self, systemd: &Systemd, name: &UnitName) -> Result<(), End> {
        let asked_for = self.attention.borrow().units.contains(name);
        match self.table.on_disk(name) {
            Some(false) if asked_for || self.table.is_wanted(name, &self.wanted) => {
                self.read_file(systemd, name).await?;
            }
            Some(false) => self.table.forget(name),
            _ => {}
        }
        Ok(())
    }

    /// Reads a unit that is not loaded.
    async fn read_file(&mut self, systemd: &Systemd, name: &UnitName) -> Result<(), End> {
        match systemd.properties_of_file(name).await {
            Ok(properties) => {
                let asked_for = self.attention.borrow().units.contains(name);
                self.table.take_in(&properties, true, asked_for);
            }
            Err(error @ (SystemdError::Hung | SystemdError::Absent(_))) => return Err(error.into()),
            Err(_) => self.table.forget(name),
        }
        Ok(())
    }

    /// Finds the claims of all units; a unit that is only a file and should serve something is
    /// read.
    async fn survey_all(&mut self, systemd: &Systemd) -> Result<(), End> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let mut declarations = self.table.declarations();
        let unloaded = self.unloaded_declarations().await;
        let unknown = |d: &Declaration| self.table.on_disk(&d.unit).is_none();
        declarations.extend(unloaded.into_iter().filter(unknown));
        declarations.extend(self.instances().await);
        let survey = self.survey(declarations).await;
        self.limits.remove("unit files");
        if survey.skipped > 0 {
            let why = format!("reading took too long, {} units were skipped", survey.skipped);
            self.limits.insert("unit files".to_owned(), (why, ADDRESSES));
        }
        for (name, found) in survey.found {
            let wanted = found.claims.iter().any(|claim| self.wanted.has(&claim.address));
            if self.table.on_disk(&name).is_none() && wanted {
                self.read_file(systemd, &name).await?;
            }
            self.table.found(&name, found);
        }
        let mut silent = self.table.silent(&self.wanted, SILENT);
        if !silent.is_empty() {
            self.survey_files(silent.clone()).await;
            silent.retain(|name| !self.table.is_wanted(name, &self.wanted));
        }
        if !silent.is_empty() {
            for (name, address) in journal::announced(&silent).await {
                self.table.announced(&name, address);
            }
        }
        Ok(())
    }

    /// Looks for claims in the own files of units that are down and claim nothing as they are.
    async fn survey_files(&mut self, names: BTreeSet<UnitName>) {
        let root = self.root.clone();
        let read = tokio::task::spawn_blocking(move || files::written(&root, &names));
        let Ok(Ok(written)) = timeout(FILES_DEADLINE, read).await else { return };
        for (name, found) in self.survey(written).await.found {
            if found.claims.iter().any(|claim| self.wanted.has(&claim.address)) {
                self.table.found(&name, found);
            }
        }
    }

    async fn survey(&mut self, declarations: Vec<Declaration>) -> Survey {
        if self.wanted.is_empty() || declarations.is_empty() {
            return Survey::default();
        }
        let mut reader = self.reader.take().unwrap_or_else(|| Reader::new(self.root.clone()));
        let wanted = self.wanted.clone();
        let count = declarations.len();
        let work = tokio::task::spawn_blocking(move || {
            let survey = claims::survey(&declarations, &wanted, &mut reader);
            (survey, reader)
        });
        match timeout(FILES_DEADLINE, work).await {
            Ok(Ok((survey, reader))) => {
                self.reader = Some(reader);
                survey
            }
            _ => Survey { skipped: count, ..Survey::default() },
        }
    }

    async fn publish(&mut self) -> Result<(), Closed> {
        for seen in self.table.news() {
            self.outlet.publish(seen).await?;
        }
        let mut spots = Blindness::default();
        for (what, (why, hides)) in &self.limits {
            spots.add(what, why, hides, "");
        }
        for (path, why) in self.table.unreadable().take(NAMED) {
            let grant = "run as root, or give this user read access to the file";
            spots.add(path, why, ADDRESSES, grant);
        }
        self.told.replace(spots, &self.outlet).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{Seen, SourceId},
        session::{Attention, Event},
    };

    async fn next(events: &mut mpsc::Receiver<Event>) -> Seen {
        match events.recv().await {
            Some(Event::Seen(observation)) => observation.seen,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_hung_bus_is_a_blind_spot_and_every_attention_is_still_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus");
        let _bus = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let (queue, mut events) = mpsc::channel(16);
        let (attend, attention) = watch::channel(Arc::new(Attention::default()));
        let outlet = Outlet::new(SourceId::Units, queue);
        let address = format!("unix:path={}", path.display());
        let task = tokio::spawn(async move {
            run_on(outlet, attention, &address, Root::default()).await;
        });
        let Seen::Blind(spot) = next(&mut events).await else { panic!("not blind") };
        assert_eq!((spot.what.raw(), spot.why.raw().contains("no answer")), ("all", true));
        assert_eq!(next(&mut events).await, Seen::Swept { generation: 0 });
        attend.send(Arc::new(Attention { generation: 7, ..Attention::default() })).unwrap();
        assert_eq!(next(&mut events).await, Seen::Swept { generation: 7 });
        drop(attend);
        task.await.unwrap();
    }
}
