//! What systemd says about the files of the units that matter, and when its timers last ran.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use crate::{
    host::systemd::{Properties, Systemd, Value},
    observation::{UnitName, Wall},
};

/// Units asked about at most.
const UNITS: usize = 128;
/// Timers asked about at most.
const TIMERS: usize = 64;
/// Questions under way at once.
const PIPELINE: usize = 16;
/// Paths kept of one list.
const LIST: usize = 32;

/// Files of one unit, as paths of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitFiles {
    pub(super) unit: UnitName,
    /// `FragmentPath` or `SourcePath`, and `DropInPaths`.
    pub(super) files: Vec<String>,
    /// `NeedDaemonReload`.
    pub(super) needs_reload: bool,
    /// `WorkingDirectory`, empty when not set.
    pub(super) working: String,
    /// Argument lists of `ExecStart`. Only looked at for paths: they may hold secrets.
    pub(super) commands: Vec<Vec<String>>,
    /// `EnvironmentFiles`.
    pub(super) environment: Vec<String>,
}

/// A timer that has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimerRun {
    pub(super) timer: UnitName,
    pub(super) unit: Option<UnitName>,
    pub(super) at: Wall,
}

/// Asks about units. A unit that does not answer is left out: the source of units tells that.
pub(super) async fn units(systemd: &Systemd, units: &BTreeSet<UnitName>) -> Vec<UnitFiles> {
    let ask = |unit: UnitName| async move {
        let properties = systemd.properties(&unit).await.ok()?;
        Some(files_of(unit, &properties))
    };
    let asked = units.iter().take(UNITS).cloned().map(ask);
    let mut found: Vec<UnitFiles> = stream::iter(asked)
        .buffer_unordered(PIPELINE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    found.sort_by(|a, b| a.unit.cmp(&b.unit));
    found
}

/// Asks about timers.
pub(super) async fn timers(systemd: &Systemd) -> Vec<TimerRun> {
    let names = systemd.timers().await.unwrap_or_default();
    let ask = |timer: UnitName| async move {
        let properties = systemd.properties(&timer).await.ok()?;
        timer_of(timer, &properties)
    };
    let asked = names.into_iter().take(TIMERS).map(ask);
    let mut found: Vec<TimerRun> = stream::iter(asked)
        .buffer_unordered(PIPELINE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    found.sort_by(|a, b| (a.at, &a.timer).cmp(&(b.at, &b.timer)));
    found
}

fn files_of(unit: UnitName, properties: &Properties) -> UnitFiles {
    let fragment = [text(properties, "FragmentPath"), text(properties, "SourcePath")];
    let files = fragment.into_iter().filter(|path| !path.is_empty()).map(str::to_owned);
    let list = |key: &str| list(properties, key).to_vec();
    let second = |value: &Value| match value {
        Value::List(parts) => parts.first().and_then(word).map(str::to_owned),
        _ => None,
    };
    let argv = |value: &Value| {
        let Value::List(members) = value else { return None };
        let Some(Value::List(argv)) = members.get(1) else { return None };
        Some(argv.iter().filter_map(word).take(LIST).map(str::to_owned).collect())
    };
    UnitFiles {
        files: files
            .chain(list("DropInPaths").iter().filter_map(word).map(str::to_owned))
            .take(LIST)
            .collect(),
        needs_reload: matches!(properties.get("NeedDaemonReload"), Some(Value::Flag(true))),
        working: text(properties, "WorkingDirectory").trim_start_matches('!').to_owned(),
        commands: list("ExecStart").iter().filter_map(argv).take(LIST).collect(),
        environment: list("EnvironmentFiles").iter().filter_map(second).take(LIST).collect(),
        unit,
    }
}

fn timer_of(timer: UnitName, properties: &Properties) -> Option<TimerRun> {
    let at = match properties.get("LastTriggerUSec") {
        Some(Value::Number(n)) => i64::try_from(*n).ok().filter(|at| *at > 0)?,
        _ => return None,
    };
    let unit = UnitName::new(text(properties, "Unit")).ok();
    Some(TimerRun { timer, unit, at: Wall(at) })
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn text<'a>(properties: &'a Properties, key: &str) -> &'a str {
    properties.get(key).and_then(word).unwrap_or_default()
}

fn list<'a>(properties: &'a Properties, key: &str) -> &'a [Value] {
    match properties.get(key) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_unit_are_told() {
        let words = |all: &[&str]| {
            Value::List(all.iter().map(|word| Value::Text((*word).to_owned())).collect())
        };
        let properties = Properties::from([
            ("FragmentPath".to_owned(), Value::Text("/etc/systemd/system/shop.service".to_owned())),
            ("DropInPaths".to_owned(), words(&["/etc/systemd/system/shop.service.d/a.conf"])),
            ("NeedDaemonReload".to_owned(), Value::Flag(true)),
            ("WorkingDirectory".to_owned(), Value::Text("!/srv/shop".to_owned())),
            (
                "ExecStart".to_owned(),
                Value::List(vec![Value::List(vec![
                    Value::Text("/usr/bin/node".to_owned()),
                    words(&["/usr/bin/node", "server.js"]),
                ])]),
            ),
            ("EnvironmentFiles".to_owned(), Value::List(vec![words(&["/etc/default/shop"])])),
        ]);
        let found = files_of(UnitName::new("shop.service").unwrap(), &properties);
        assert_eq!(found.files.len(), 2);
        assert_eq!((found.needs_reload, found.working.as_str()), (true, "/srv/shop"));
        assert_eq!(found.commands, [["/usr/bin/node", "server.js"]]);
        assert_eq!(found.environment, ["/etc/default/shop"]);
    }

    #[test]
    fn a_timer_that_never_ran_is_left_out() {
        let timer = || UnitName::new("logrotate.timer").unwrap();
        let at = |n| Properties::from([("LastTriggerUSec".to_owned(), Value::Number(n))]);
        assert_eq!(timer_of(timer(), &at(0)), None);
        assert_eq!(timer_of(timer(), &at(-1)), None);
        assert_eq!(timer_of(timer(), &at(7)).unwrap().at, Wall(7));
    }
}
