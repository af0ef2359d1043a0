//! The task: look when it is asked for something new, and again now and then.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::tz::TimeZone;

use super::{
    assemble::{Field, Read, assemble},
    files::Files,
    journal, package_log, unit_files,
};
use crate::{
    host::{
        clock,
        files::Root,
        proc,
        systemd::{SYSTEM_BUS, Systemd},
    },
    observation::{Change, GatewayId, GatewayKind, Moment, Seen, UnitName, Wall},
    session::{Attention, ConfigFile},
    source::{
        AttentionWatch, Closed, Outlet,
        sweep::{Blindness, Calm, pause, sweep},
    },
};

/// How far back changes are told, seconds.
const BACK_SECS: i64 = 7 * 86_400;
/// How often everything is looked at again.
const INTERVAL: Duration = Duration::from_mins(1);
/// Lists of files of packages that are looked through, and their longest.
const OWNERS: usize = 400;
const LIST: u64 = 2 * 1024 * 1024;

/// Tells what changed until the session ends. `zone` is the one in which package managers write.
pub async fn run(outlet: Outlet, attention: AttentionWatch, zone: TimeZone) {
    let _ = watch(outlet, attention, zone, Files::new(Root::default()), SYSTEM_BUS).await;
}

/// What of an attention decides where is looked.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    units: BTreeSet<UnitName>,
    gateways: Vec<(GatewayId, GatewayKind)>,
    field: Vec<crate::observation::ContainerId>,
    files: Vec<ConfigFile>,
}

impl Wanted {
    fn new(attention: &Attention) -> Self {
        let own = attention.gateways.iter().filter(|gateway| gateway.container.is_none());
        Self {
            units: attention.units.clone(),
            gateways: own.map(|gateway| (gateway.id.clone(), gateway.kind)).collect(),
            field: attention.containers.iter().cloned().collect(),
            files: attention.config_files.clone(),
        }
    }
}

async fn watch(
    outlet: Outlet,
    mut attention: AttentionWatch,
    zone: TimeZone,
    mut files: Files,
    bus: &str,
) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut published: Option<Vec<Change>> = None;
    let mut looked_at: Option<Wanted> = None;
    let mut calm = Calm::default();
    let mut due = true;
    // What does not depend on the attention is asked once for all generations of a look.
    let mut common = Common::default();
    loop {
        let newest = attention.borrow_and_update().clone();
        let generation = newest.generation;
        let wanted = Wanted::new(&newest);
        let mut changed = false;
        if due || looked_at.as_ref() != Some(&wanted) {
            if due {
                common = Common::ask().await;
            }
            let mut blind = common.blind.clone();
            let (mut read, field) = ask(&wanted, bus, &mut blind).await;
            read.journal.extend(common.journal.iter().cloned());
            read.journal.sort_by_key(|entry| entry.at);
            let (at, zone, config) = (clock::now(), zone.clone(), wanted.files.clone());
            let look =
                move |files: &mut Files| look(files, read, &field, &config, at, &zone, blind);
            let (state, (list, blind)) = sweep(&outlet, &mut told, generation, files, look).await?;
            files = state;
            told.replace(blind, &outlet).await?;
            changed = published.as_ref() != Some(&list);
            if changed {
                outlet.publish(Seen::Changes(list.clone())).await?;
                published = Some(list);
            }
            looked_at = Some(wanted);
        }
        outlet.swept(generation).await?;
        let again = calm.pause(changed, INTERVAL);
        due = !pause(&outlet, &mut attention, again).await?;
    }
}

/// What the journal tells of the host as a whole.
#[derive(Debug, Default)]
struct Common {
    journal: Vec<journal::Entry>,
    blind: Blindness,
}

impl Common {
    async fn ask() -> Self {
        let mut blind = Blindness::default();
        let journal = journal::of_host(&mut blind).await;
        Self { journal, blind }
    }
}

/// What is asked of others: systemd and the journal.
async fn ask(wanted: &Wanted, bus: &str, blind: &mut Blindness) -> (Read, Field) {
    let systemd = async {
        // A host without systemd is told by the source of units.
        let Ok(systemd) = Systemd::connect(bus).await else { return Default::default() };
        tokio::join!(unit_files::units(&systemd, &wanted.units), unit_files::timers(&systemd))
    };
    let ((files, timers), journal) = tokio::join!(systemd, journal::of_units(&wanted.units, blind));
    let field = Field {
        units: wanted.units.clone(),
        gateways: wanted.gateways.clone(),
        containers: wanted.field.iter().cloned().collect(),
        files,
    };
    (Read { journal, timers, ..Read::default() }, field)
}

/// What is read from files, and everything put together.
fn look(
    files: &mut Files,
    mut read: Read,
    field: &Field,
    config: &[ConfigFile],
    at: Moment,
    zone: &TimeZone,
    mut blind: Blindness,
) -> (Vec<Change>, Blindness) {
    let now = at.wall;
    let since = now.minus_secs(BACK_SECS);
    files.begin(now, since);
    read.packages = package_log::read(files.root(), zone, since, &mut blind);
    read.owners = owners(files.root(), &read, field);
    read.booted = booted(at);
    let mut changes = Vec::new();
    files.of_units(&field.files, &mut changes);
    files.of_gateways(config, &mut blind, &mut changes);
    let mut all = assemble(&read, changes, field, &mut blind);
    let future = all.iter().filter(|change| change.at > now.plus_secs(120)).count();
    if future > 0 {
        let why = format!("{future} are dated later than now: the clock was set back");
        blind.add("changes of a later time", &why, "when they really happened", "");
    }
    all.retain(|change| change.at >= since && change.at <= now.plus_secs(120));
    (all, blind)
}

/// When process 1 was started, and whether the kernel was started with it.
fn booted(now: Moment) -> Option<(Wall, bool)> {
    const WITH_IT_SECS: u64 = 120;
    let after_boot = proc::stat(1).ok()?.start_ticks / proc::TICKS_PER_SECOND;
    let boot = now.wall.minus_secs(i64::try_from(now.boot.0 / 1_000_000).ok()?);
    Some((boot.plus_secs(i64::try_from(after_boot).ok()?), after_boot <= WITH_IT_SECS))
}

/// Which of the changed packages own a file of a unit, by dpkg's lists of files.
fn owners(root: &Root, read: &Read, field: &Field) -> BTreeMap<String, BTreeSet<UnitName>> {
    let mut paths: BTreeMap<String, BTreeSet<UnitName>> = BTreeMap::new();
    for unit in &field.files {
        let programs = unit.commands.iter().filter_map(|command| command.first());
        for path in unit.files.iter().chain(programs) {
            let target = root.read_link(path).ok().map(|to| {
                let folder = std::path::Path::new(path).parent().map(|p| p.join(&to));
                folder.unwrap_or(to).display().to_string()
            });
            for path in [Some(path.clone()), target].into_iter().flatten() {
                paths.entry(merged(&path).to_owned()).or_default().insert(unit.unit.clone());
            }
        }
    }
    let names: BTreeSet<&str> = read
        .packages
        .iter()
        .flat_map(|(_, _, events)| events.iter().rev())
        .map(|event| event.name.as_str())
        .take(OWNERS)
        .collect();
    let mut found = BTreeMap::new();
    if paths.is_empty() {
        return found;
    }
    for name in names.into_iter().filter(|name| !name.contains('/')) {
        let ends = ["", ":amd64", ":arm64", ":armhf", ":i386", ":riscv64"];
        let list = ends.iter().find_map(|end| {
            root.read_text(format!("/var/lib/dpkg/info/{name}{end}.list"), LIST).ok()
        });
        let list = list.unwrap_or_default();
        let units = list.lines().filter_map(|line| paths.get(merged(line))).flatten();
        let units: BTreeSet<UnitName> = units.cloned().collect();
        if !units.is_empty() {
            found.insert(name.to_owned(), units);
        }
    }
    found
}

/// A path as it is on a system whose `/bin` and `/lib` lie in `/usr`.
fn merged(path: &str) -> &str {
    path.strip_prefix("/usr").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch as watching};

    use super::*;
    use crate::{
        observation::{ChangeKind, SourceId, Text, Touched},
        session::Event,
    };

    fn write(dir: &std::path::Path, path: &str, text: &str) {
        let path = dir.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[tokio::test]
    async fn every_generation_is_swept_and_a_changed_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "/etc/nginx/nginx.conf", "events {}");
        let (sender, mut queue) = mpsc::channel(64);
        let (attend, attention) = watching::channel(Arc::new(Attention::default()));
        let files = Files::new(Root::new(dir.path()));
        let outlet = Outlet::new(SourceId::Changes, sender);
        let task = tokio::spawn(async move {
            let _ = watch(outlet, attention, TimeZone::UTC, files, "unix:path=/no/bus").await;
        });
        let gateway = GatewayId(Text::new("nginx:/etc/nginx/nginx.conf"));
        let path = Text::new("/etc/nginx/nginx.conf");
        let file = ConfigFile { gateway: gateway.clone(), root: Text::default(), path };
        let next = Attention { generation: 3, config_files: vec![file], ..Attention::default() };
        attend.send(Arc::new(next)).unwrap();
        let mut changes = Vec::new();
        while let Some(Event::Seen(seen)) = queue.recv().await {
            match seen.seen {
                Seen::Changes(list) => changes = list,
                Seen::Swept { generation: 3 } => break,
                _ => {}
            }
        }
        let config = changes.iter().find(|change| change.kind == ChangeKind::Config).unwrap();
        assert!(config.touches.contains(&Touched::Gateway(gateway)));
        task.abort();
    }

    #[test]
    fn a_package_that_owns_a_units_program_is_found_also_below_usr() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "/var/lib/dpkg/info/acme:amd64.list", "/.\n/usr/sbin/acme\n");
        let unit = UnitName::new("store.service").unwrap();
        let event = super::super::package::Manager::Dpkg
            .read("2026-11-20 14:01:28 upgrade acme:amd64 1 2", &TimeZone::UTC);
        let read = Read {
            packages: vec![(super::super::package::Manager::Dpkg, String::new(), event)],
            ..Read::default()
        };
        let files = unit_files::UnitFiles {
            unit: unit.clone(),
            files: Vec::new(),
            needs_reload: false,
            working: String::new(),
            commands: vec![vec!["/sbin/acme".to_owned()]],
            environment: Vec::new(),
        };
        let field = Field { files: vec![files], ..Field::default() };
        let found = owners(&Root::new(dir.path()), &read, &field);
        assert_eq!(found, BTreeMap::from([("acme".to_owned(), BTreeSet::from([unit]))]));
    }
}
