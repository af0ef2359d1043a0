//! From what each place tells to one bounded list: runs of package managers are folded, deeds get
//! the names of those who did them, and everything the units and gateways that it touches.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    journal::{Entry, Told},
    package::{Deed, Manager, PackageEvent},
    unit_files::{TimerRun, UnitFiles},
};
use crate::{
    observation::{
        Change, ChangeKind, ContainerId, GatewayId, GatewayKind, Origin, Text, Touched, UnitName,
        Wall,
    },
    source::sweep::Blindness,
};

/// Changes kept at most.
pub(super) const CHANGES: usize = 500;
/// Packages of one run that are told one by one at most, unless they touch something.
const SINGLE: usize = 3;
/// Packages named in a folded run.
const NAMED: usize = 4;
/// A pause between two packages after which a new run begins, seconds.
const RUN_SECS: i64 = 120;
/// A deed so soon after a command was done by it, seconds.
const BY_SECS: i64 = 5;
/// Starts and stops without a name told for one unit.
const SERVICES: usize = 6;
/// Settings of the clock that are told.
const CLOCKS: usize = 5;

/// Whom changes may touch.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub(super) units: BTreeSet<UnitName>,
    /// Gateways that run on the host itself.
    pub(super) gateways: Vec<(GatewayId, GatewayKind)>,
    pub(super) containers: BTreeSet<ContainerId>,
    pub(super) files: Vec<UnitFiles>,
}

/// Everything that was read besides files.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) packages: Vec<(Manager, String, Vec<PackageEvent>)>,
    /// Files of dpkg's packages, by the name of those that own a file of a unit.
    pub(super) owners: BTreeMap<String, BTreeSet<UnitName>>,
    pub(super) journal: Vec<Entry>,
    pub(super) timers: Vec<TimerRun>,
    /// When process 1 was started, and whether that was the start of the host.
    pub(super) booted: Option<(Wall, bool)>,
}

/// The list, oldest first. `files` are the changes that were read off files.
pub(super) fn assemble(
    read: &Read,
    files: Vec<Change>,
    field: &Field,
    blind: &mut Blindness,
) -> Vec<Change> {
    let mut all = folded(files);
    packages(read, field, &mut all);
    journal(&read.journal, field, &mut all);
    for run in &read.timers {
        let unit = run.unit.iter().filter(|unit| field.units.contains(*unit));
        let ran = run.unit.as_ref().map(|unit| format!(" and ran {unit}")).unwrap_or_default();
        let touches = unit.cloned().map(Touched::Unit).collect();
        let what = format!("{} elapsed{ran}", run.timer);
        let origin = Origin::Systemd(run.timer.clone());
        all.push(change(run.at, ChangeKind::Timer, &what, "", origin, touches));
    }
    boots(read, &mut all);
    all.sort_by(|a, b| (a.at, a.kind, &a.what).cmp(&(b.at, b.kind, &b.what)));
    all.dedup();
    bounded(all, blind)
}

/// Files of one kind and owner that came within seconds, as an installation puts them, are told
/// together when they are many.
fn folded(mut files: Vec<Change>) -> Vec<Change> {
    files.sort_by(|a, b| (a.kind, owners(a), a.at).cmp(&(b.kind, owners(b), b.at)));
    let mut out: Vec<Change> = Vec::new();
    let mut group: Vec<Change> = Vec::new();
    for change in files {
        let joins = group.last().is_some_and(|last| {
            last.kind == change.kind
                && owners(last) == owners(&change)
                && change.at.since(last.at).as_secs() <= BY_SECS
        });
        if !joins {
            close(&mut group, &mut out);
        }
        group.push(change);
    }
    close(&mut group, &mut out);
    out
}

/// Whom a change touches besides its own path.
fn owners(change: &Change) -> Vec<&Touched> {
    change.touches.iter().filter(|touched| !matches!(touched, Touched::Path(_))).collect()
}

fn close(group: &mut Vec<Change>, out: &mut Vec<Change>) {
    let files = group.len();
    let Some(last) = group.last().filter(|last| {
        // What ends to hold, or was not loaded, is no file that was put in place.
        files > SINGLE && matches!(last.kind, ChangeKind::Config | ChangeKind::Deploy)
    }) else {
        out.append(group);
        return;
    };
    let paths: Vec<&Text> = group
        .iter()
        .flat_map(|change| &change.touches)
        .filter_map(|touched| match touched {
            Touched::Path(path) => Some(path),
            _ => None,
        })
        .collect();
    let named: Vec<String> = paths.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match paths.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let what = format!("{files} files changed together: {}{more}", named.join(", "));
    let mut touches: Vec<Touched> = owners(last).into_iter().cloned().collect();
    touches.extend(paths.iter().map(|path| Touched::Path((*path).clone())));
    let told = Change { what: Text::new(what), touches, ..last.clone() };
    out.push(told);
    group.clear();
}

/// The newest, and of the others first those that touch something.
fn bounded(mut all: Vec<Change>, blind: &mut Blindness) -> Vec<Change> {
    let many = all.len();
    let mut over = many.saturating_sub(CHANGES);
    if over > 0 {
        all.retain(|change| {
            let drop = over > 0 && change.touches.is_empty();
            over -= usize::from(drop);
            !drop
        });
        all.drain(..over);
        let why = format!("{many} changes were found, {CHANGES} are kept");
        blind.add("changes", &why, "the oldest of them", "");
    }
    all
}

fn change(
    at: Wall,
    kind: ChangeKind,
    what: &str,
    by: &str,
    origin: Origin,
    touches: Vec<Touched>,
) -> Change {
    Change { at, kind, what: Text::new(what), by: Text::new(by), origin, touches }
}

/// Runs of package managers.
fn packages(read: &Read, field: &Field, all: &mut Vec<Change>) {
    for (manager, path, events) in named(&read.packages) {
        let mut run: Vec<&PackageEvent> = Vec::new();
        let origin = Origin::File(Text::new(path));
        for event in &events {
            let goes_on = run.last().is_none_or(|last| {
                event.at.since(last.at).as_secs() <= RUN_SECS && event.by == last.by
            });
            if !goes_on {
                one_run(manager, &run, read, field, &origin, all);
                run.clear();
            }
            run.push(event);
        }
        one_run(manager, &run, read, field, &origin, all);
    }
}

/// dpkg tells versions to the second, apt who asked: what both tell is one event.
fn named(logs: &[(Manager, String, Vec<PackageEvent>)]) -> Vec<(Manager, &str, Vec<PackageEvent>)> {
    const RUN: i64 = 6 * 3600;
    let of = |manager: Manager| {
        let logs = logs.iter().filter(move |(m, ..)| *m == manager);
        logs.flat_map(|(_, _, events)| events)
    };
    let same = |apt: &PackageEvent, dpkg: &PackageEvent| {
        let secs = dpkg.at.since(apt.at).as_secs();
        apt.name == dpkg.name && apt.deed == dpkg.deed && (-5..RUN).contains(&secs)
    };
    let mut apt_by_name: BTreeMap<&str, Vec<&PackageEvent>> = BTreeMap::new();
    for event in of(Manager::Apt) {
        apt_by_name.entry(&event.name).or_default().push(event);
    }
    let mut dpkg_by_name: BTreeMap<&str, Vec<&PackageEvent>> = BTreeMap::new();
    for event in of(Manager::Dpkg) {
        dpkg_by_name.entry(&event.name).or_default().push(event);
    }
    let events = |(manager, path, events): &'_ (Manager, String, Vec<PackageEvent>)| {
        let mut events = events.clone();
        match manager {
            Manager::Dpkg => {
                for event in &mut events {
                    let asked = apt_by_name.get(event.name.as_str()).into_iter().flatten();
                    let asked = asked.filter(|apt| same(apt, event)).max_by_key(|apt| apt.at);
                    if let Some(apt) = asked {
                        event.by.clone_from(&apt.by);
                    }
                }
                // A purge is logged as one more removal.
                let mut gone = BTreeSet::new();
                events
                    .retain(|event| event.deed != Deed::Removed || gone.insert(event.name.clone()));
            }
            Manager::Apt => events.retain(|event| {
                let done = dpkg_by_name.get(event.name.as_str()).into_iter().flatten();
                !done.into_iter().any(|dpkg| same(event, dpkg))
            }),
            _ => {}
        }
        (*manager, path.clone(), events)
    };
    let done: Vec<(Manager, String, Vec<PackageEvent>)> = logs.iter().map(events).collect();
    logs.iter()
        .zip(done)
        .map(|((_, path, _), (manager, _, mut events))| {
            events.sort_by_key(|event| event.at);
            (manager, path.as_str(), events)
        })
        .collect()
}

/// One run: what touches something is told by itself, the others together.
fn one_run(
    manager: Manager,
    run: &[&PackageEvent],
    read: &Read,
    field: &Field,
    origin: &Origin,
    all: &mut Vec<Change>,
) {
    let mut others = Vec::new();
    for event in run {
        let touches = touched_by(event, manager, read, field);
        if touches.is_empty() && run.len() > SINGLE {
            others.push(*event);
        } else {
            let (at, kind) = (event.at, ChangeKind::Package);
            all.push(change(at, kind, &event.words(), &event.by, origin.clone(), touches));
        }
    }
    let Some(first) = others.first() else { return };
    let words: Vec<String> = others.iter().take(NAMED).map(|event| event.words()).collect();
    let more = match others.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let what = format!("{} packages: {}{more}", others.len(), words.join(", "));
    all.push(change(first.at, ChangeKind::Package, &what, &first.by, origin.clone(), Vec::new()));
}

/// Whom a package touches: the units whose files it owns, and those that bear its name.
fn touched_by(event: &PackageEvent, manager: Manager, read: &Read, field: &Field) -> Vec<Touched> {
    const ENGINES: [&str; 9] = [
        "docker-ce",
        "docker.io",
        "docker",
        "moby-engine",
        "containerd",
        "containerd.io",
        "podman",
        "runc",
        "crun",
    ];
    let name = event.name.as_str();
    let mut touched = BTreeSet::new();
    let dpkg = matches!(manager, Manager::Dpkg | Manager::Apt);
    let owned = read.owners.get(name).filter(|_| dpkg).into_iter().flatten();
    touched.extend(owned.cloned().map(Touched::Unit));
    let named = field.units.iter().filter(|unit| is_of_family(name, base(unit)));
    touched.extend(named.cloned().map(Touched::Unit));
    let gateways = field.gateways.iter().filter(|(_, kind)| is_gateway(name, *kind));
    touched.extend(gateways.map(|(id, _)| Touched::Gateway(id.clone())));
    if ENGINES.contains(&name) {
        touched.extend(field.containers.iter().cloned().map(Touched::Container));
    }
    touched.into_iter().collect()
}

/// A unit's name without its type and instance.
fn base(unit: &UnitName) -> &str {
    let name = unit.as_str();
    let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Whether a package bears the name of a unit: the same, or the same first part where that has a
/// number (`php8.2-mysql` and `php8.2-fpm`) or is the whole of either (`nginx-common` and `nginx`).
fn is_of_family(package: &str, unit: &str) -> bool {
    let first = |name: &'_ str| name.split('-').next().unwrap_or_default().to_owned();
    let (own, other) = (first(package), first(unit));
    package == unit
        || own.len() >= 3
            && own == other
            && (own == unit || own == package || own.bytes().any(|b| b.is_ascii_digit()))
            && own != "python3"
}

fn is_gateway(package: &str, kind: GatewayKind) -> bool {
    let names: &[&str] = match kind {
        GatewayKind::Nginx => &["nginx", "libnginx", "openresty", "angie", "tengine", "freenginx"],
        GatewayKind::Apache => &["apache2", "httpd", "libapache2", "mod_ssl"],
        GatewayKind::Haproxy => &["haproxy"],
        GatewayKind::Caddy => &["caddy"],
        GatewayKind::Traefik => &["traefik"],
        GatewayKind::Envoy => &["envoy"],
    };
    names.iter().any(|name| {
        package.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// Whom a command line names, word by word.
fn mentioned(command: &str, field: &Field) -> Vec<Touched> {
    let mut touched = BTreeSet::new();
    let split = |c: char| c.is_ascii_whitespace() || "/;&|'\"=()".contains(c);
    for word in command.split(split).filter(|word| !word.is_empty()) {
        let units = field.units.iter().filter(|unit| word == unit.as_str() || word == base(unit));
        touched.extend(units.cloned().map(Touched::Unit));
        let gateways = field.gateways.iter().filter(|(_, kind)| is_gateway(word, *kind));
        touched.extend(gateways.map(|(id, _)| Touched::Gateway(id.clone())));
        let containers =
            field.containers.iter().filter(|id| word.len() >= 12 && id.as_str().starts_with(word));
        touched.extend(containers.cloned().map(Touched::Container));
    }
    let reboots = ["reboot", "shutdown", "poweroff", "halt"];
    if command.split(split).any(|word| reboots.contains(&word)) {
        touched.insert(Touched::Host);
    }
    touched.into_iter().collect()
}

fn journal(entries: &[Entry], field: &Field, all: &mut Vec<Change>) {
    let origin = || Origin::File(Text::new("journal"));
    let mut commands: Vec<(Wall, String, Vec<Touched>)> = Vec::new();
    let mut cron: BTreeMap<(&str, &str), Wall> = BTreeMap::new();
    let mut clocks = Vec::new();
    for Entry { at, told } in entries {
        match told {
            Told::Command { user, command } => {
                let touches = mentioned(command, field);
                all.push(change(
                    *at,
                    ChangeKind::Command,
                    command,
                    user,
                    origin(),
                    touches.clone(),
                ));
                commands.push((*at, format!("{user}: {command}"), touches));
            }
            Told::Cron { user, command } => {
                let newest = cron.entry((user, command)).or_insert(*at);
                *newest = (*newest).max(*at);
            }
            Told::Clock(words) => {
                let touches = vec![Touched::Host];
                clocks.push(change(*at, ChangeKind::Clock, words, "", origin(), touches));
            }
            Told::Unit { .. } | Told::Booted => {}
        }
    }
    clocks.sort_by_key(|change| change.at);
    all.extend(clocks.split_off(clocks.len().saturating_sub(CLOCKS)));
    for ((user, command), at) in cron {
        let (what, touches) = (format!("cron ran {command}"), mentioned(command, field));
        all.push(change(at, ChangeKind::Timer, &what, user, origin(), touches));
    }
    services(entries, &commands, all);
}

/// Starts, stops and reloads, by whom; a start right after a stop is a restart.
fn services(entries: &[Entry], commands: &[(Wall, String, Vec<Touched>)], all: &mut Vec<Change>) {
    let mut by_unit: BTreeMap<&UnitName, Vec<(Wall, &str)>> = BTreeMap::new();
    for Entry { at, told } in entries {
        if let Told::Unit { unit, what } = told {
            by_unit.entry(unit).or_default().push((*at, what));
        }
    }
    for (unit, mut times) in by_unit {
        times.sort_unstable();
        let mut told: Vec<(Wall, &str)> = Vec::new();
        for (at, what) in times {
            match told.last_mut() {
                Some((before, last))
                    if *last == "stopped"
                        && what == "started"
                        && at.since(*before).as_secs() <= BY_SECS =>
                {
                    *last = "restarted";
                }
                _ => told.push((at, what)),
            }
        }
        let touched = Touched::Unit(unit.clone());
        let mut nameless = 0;
        for (at, what) in told.into_iter().rev() {
            let by = commands.iter().rev().find(|(ran, _, touches)| {
                let secs = at.since(*ran).as_secs();
                (0..=BY_SECS).contains(&secs) && touches.contains(&touched)
            });
            nameless += usize::from(by.is_none());
            if by.is_none() && nameless > SERVICES {
                continue;
            }
            let by = by.map(|(_, words, _)| words.as_str()).unwrap_or_default();
            let (what, origin) = (format!("{unit} {what}"), Origin::Journal(unit.clone()));
            all.push(change(at, ChangeKind::Service, &what, by, origin, vec![touched.clone()]));
        }
    }
}

fn boots(read: &Read, all: &mut Vec<Change>) {
    const ONE_SECS: i64 = 600;
    let mut put = |at: Wall, what: &str, origin: Origin| {
        all.push(change(at, ChangeKind::Boot, what, "", origin, vec![Touched::Host]));
    };
    if let Some((at, whole)) = read.booted {
        let what =
            if whole { "the host was started" } else { "the system in this container was started" };
        put(at, what, Origin::Process(1));
    }
    let mut last = read.booted.map(|(at, _)| at);
    for entry in read.journal.iter().rev().filter(|entry| entry.told == Told::Booted) {
        if last.is_none_or(|last| last.since(entry.at).as_secs().abs() > ONE_SECS) {
            put(entry.at, "the host was started", Origin::File(Text::new("journal")));
            last = Some(entry.at);
        }
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
