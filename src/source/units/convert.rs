//! From D-Bus properties to a [`Unit`]; pure.

use crate::{
    host::systemd::{Properties, Value},
    observation::{Text, Unit, UnitActive, UnitExit, UnitLoad, UnitName, UnitResult, Wall},
    source::claims::Declaration,
};

/// Longest command list and trigger list that is kept.
const LIST: usize = 16;

fn text<'a>(properties: &'a Properties, key: &str) -> &'a str {
    match properties.get(key) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

fn number<T: TryFrom<i128>>(properties: &Properties, key: &str) -> Option<T> {
    match properties.get(key) {
        Some(Value::Number(n)) => T::try_from(*n).ok(),
        _ => None,
    }
}

/// A size or limit; all ones stands for infinity or "no accounting".
fn bounded(properties: &Properties, key: &str) -> Option<u64> {
    number::<u64>(properties, key).filter(|n| *n != u64::MAX)
}

/// A stamp in microseconds since the epoch; zero stands for never.
fn stamp(properties: &Properties, key: &str) -> Option<Wall> {
    number::<i64>(properties, key).filter(|n| *n != 0).map(Wall)
}

fn list<'a>(properties: &'a Properties, key: &str) -> &'a [Value] {
    match properties.get(key) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn strings(values: &[Value]) -> impl Iterator<Item = &str> {
    values.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Argument lists of `ExecStart`, type `a(sasbttttuii)`: the second member is argv.
fn commands(properties: &Properties) -> Vec<Vec<String>> {
    let argv = |value: &Value| {
        let Value::List(members) = value else { return None };
        let Some(Value::List(argv)) = members.get(1) else { return None };
        Some(strings(argv).map(str::to_owned).collect::<Vec<_>>())
    };
    list(properties, "ExecStart").iter().take(LIST).filter_map(argv).collect()
}

/// The unit that the properties describe, without its claims; `None` without a valid `Id`.
pub(super) fn unit(properties: &Properties) -> Option<Unit> {
    let name = UnitName::new(text(properties, "Id")).ok()?;
    let memory_max = [bounded(properties, "MemoryMax"), bounded(properties, "MemoryLimit")];
    Some(Unit {
        name,
        description: Text::new(text(properties, "Description")),
        kind: Text::new(text(properties, "Type")),
        load: load(text(properties, "LoadState")),
        active: active(text(properties, "ActiveState")),
        sub: Text::new(text(properties, "SubState")),
        result: result(text(properties, "Result")),
        exit: exit(properties),
        file_state: Text::new(text(properties, "UnitFileState")),
        main_pid: number::<u32>(properties, "MainPID").filter(|pid| *pid != 0),
        cgroup: Text::new(text(properties, "ControlGroup")),
        restarts: number(properties, "NRestarts").unwrap_or_default(),
        restart_policy: Text::new(text(properties, "Restart")),
        start_limit_burst: number(properties, "StartLimitBurst").unwrap_or_default(),
        start_limit_interval_us: number(properties, "StartLimitIntervalUSec").unwrap_or_default(),
        memory_max: memory_max.into_iter().flatten().min(),
        memory_current: bounded(properties, "MemoryCurrent"),
        limit_nofile: bounded(properties, "LimitNOFILESoft"),
        condition: !matches!(properties.get("ConditionResult"), Some(Value::Flag(false)))
            || stamp(properties, "ConditionTimestamp").is_none(),
        active_enter: stamp(properties, "ActiveEnterTimestamp"),
        active_exit: stamp(properties, "ActiveExitTimestamp"),
        inactive_enter: stamp(properties, "InactiveEnterTimestamp"),
        exec_start: stamp(properties, "ExecMainStartTimestamp"),
        exec_exit: stamp(properties, "ExecMainExitTimestamp"),
        commands: commands(properties).iter().map(|argv| Text::new(shown(argv))).collect(),
        claims: Vec::new(),
        triggered_by: strings(list(properties, "TriggeredBy"))
            .take(LIST)
            .filter_map(|name| UnitName::new(name).ok())
            .collect(),
        file_is_newer: matches!(properties.get("NeedDaemonReload"), Some(Value::Flag(true))),
        needs: needs(properties),
        unmet: unmet(properties),
        environment_files: environment_files(properties),
        pid_file: Some(text(properties, "PIDFile")).filter(|p| !p.is_empty()).map(Text::new),
        start_timeout_us: bounded(properties, "TimeoutStartUSec"),
        runtime_max_us: bounded(properties, "RuntimeMaxUSec").filter(|us| *us > 0),
        watchdog_us: bounded(properties, "WatchdogUSec").filter(|us| *us > 0),
        network_limits: network_limits(properties),
        frozen: matches!(text(properties, "FreezerState"), "frozen" | "freezing"),
        pools: Vec::new(),
    })
}

/// Units without which this one cannot start. Targets, slices and what every unit needs say nothing.
fn needs(properties: &Properties) -> Vec<UnitName> {
    let mut found: Vec<UnitName> = Vec::new();
    for key in ["Requires", "Requisite", "BindsTo"] {
        for name in strings(list(properties, key)).filter_map(|name| UnitName::new(name).ok()) {
            let groups =
                [".target", ".slice", ".scope"].iter().any(|end| name.as_str().ends_with(end));
            if !groups && name.as_str() != "-.mount" && !found.contains(&name) && found.len() < LIST
            {
                found.push(name);
            }
        }
    }
    found
}

/// `Conditions`, type `a(sbbsi)`: name, whether it is one of several, negated, argument, state;
/// the state of one that was not met is below zero.
fn unmet(properties: &Properties) -> Vec<Text> {
    let one = |value: &Value| {
        let Value::List(parts) = value else { return None };
        let [Value::Text(name), _, Value::Flag(not), Value::Text(argument), Value::Number(state)] =
            parts.as_slice()
        else {
            return None;
        };
        (*state < 0).then(|| Text::new(format!("{name}={}{argument}", if *not { "!" } else { "" })))
    };
    list(properties, "Conditions").iter().filter_map(one).take(LIST).collect()
}

/// Environment files, type `a(sb)`; the flag says that it may be missing.
fn environment_files(properties: &Properties) -> Vec<Text> {
    let one = |value: &Value| match value {
        Value::List(parts) => match parts.as_slice() {
            [Value::Text(path), Value::Flag(false)] => Some(Text::new(path)),
            _ => None,
        },
        _ => None,
    };
    list(properties, "EnvironmentFiles").iter().filter_map(one).take(LIST).collect()
}

/// What keeps the processes of a unit from the network (systemd.exec(5),
/// systemd.resource-control(5)).
fn network_limits(properties: &Properties) -> Vec<Text> {
    let mut found = Vec::new();
    if let [Value::Flag(allowed), Value::List(families)] =
        list(properties, "RestrictAddressFamilies")
    {
        let names: Vec<&str> = strings(families).take(LIST).collect();
        // An empty list of forbidden families forbids nothing; an empty one of allowed ones, all.
        match (*allowed, names.is_empty()) {
            (false, true) => {}
            (true, true) => found.push(Text::new("RestrictAddressFamilies=none")),
            (allowed, false) => found.push(Text::new(format!(
                "RestrictAddressFamilies={}{}",
                if allowed { "" } else { "~" },
                names.join(" ")
            ))),
        }
    }
    if !list(properties, "IPAddressDeny").is_empty() {
        found.push(Text::new("IPAddressDeny= is set"));
    }
    if matches!(properties.get("PrivateNetwork"), Some(Value::Flag(true))) {
        found.push(Text::new("PrivateNetwork=yes"));
    }
    found
}

/// What the unit declares about itself, for finding the addresses that it serves. The values of
/// its environment stay in there and are never published.
pub(super) fn declaration(name: &UnitName, properties: &Properties) -> Declaration {
    let second = |value: &Value| match value {
        Value::List(pair) => {
            let mut texts = strings(pair).map(str::to_owned);
            Some((texts.next()?, texts.next().unwrap_or_default()))
        }
        _ => None,
    };
    Declaration {
        unit: name.clone(),
        commands: commands(properties),
        environment: strings(list(properties, "Environment")).map(str::to_owned).collect(),
        environment_files: list(properties, "EnvironmentFiles")
            .iter()
            .filter_map(second)
            .map(|(path, _)| path)
            .collect(),
        working_directory: text(properties, "WorkingDirectory").trim_start_matches('!').to_owned(),
        listen: list(properties, "Listen").iter().filter_map(second).collect(),
    }
}

/// A command line as a person would type it.
fn shown(argv: &[String]) -> String {
    let word = |arg: &String| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=,@%+[]".contains(&b);
        if !arg.is_empty() && arg.bytes().all(plain) { arg.clone() } else { format!("{arg:?}") }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn load(text: &str) -> UnitLoad {
    match text {
        "loaded" | "merged" | "stub" => UnitLoad::Loaded,
        "not-found" => UnitLoad::NotFound,
        "masked" => UnitLoad::Masked,
        _ => UnitLoad::Bad,
    }
}

fn active(text: &str) -> UnitActive {
    match text {
        "active" => UnitActive::Active,
        "reloading" | "refreshing" => UnitActive::Reloading,
        "failed" => UnitActive::Failed,
        "activating" => UnitActive::Activating,
        "deactivating" => UnitActive::Deactivating,
        _ => UnitActive::Inactive,
    }
}

fn result(text: &str) -> UnitResult {
    match text {
        "success" | "" => UnitResult::Success,
        "exit-code" => UnitResult::ExitCode,
        "signal" => UnitResult::Signal,
        "core-dump" => UnitResult::CoreDump,
        "timeout" => UnitResult::Timeout,
        "watchdog" => UnitResult::Watchdog,
        "start-limit-hit" | "start-limit" => UnitResult::StartLimitHit,
        "oom-kill" => UnitResult::OomKill,
        "resources" => UnitResult::Resources,
        "protocol" => UnitResult::Protocol,
        "exec-condition" => UnitResult::ExecCondition,
        _ => UnitResult::Other,
    }
}

/// waitid(2): `CLD_EXITED` 1, `CLD_KILLED` 2, `CLD_DUMPED` 3.
fn exit(properties: &Properties) -> UnitExit {
    let status = number(properties, "ExecMainStatus").unwrap_or_default();
    match number::<i32>(properties, "ExecMainCode") {
        Some(1) => UnitExit::Exited(status),
        Some(2) => UnitExit::Killed(status),
        Some(3) => UnitExit::Dumped(status),
        _ => UnitExit::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: Vec<(&str, Value)>) -> Properties {
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn t(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_unit_in_a_crash_loop_is_read_whole() {
        let argv = Value::List(vec![t("/usr/bin/node"), t("server.js"), t("--password=CANARY")]);
        let exec = Value::List(vec![t("/usr/bin/node"), argv, Value::Flag(false)]);
        let unit = unit(&map(vec![
            ("Id", t("app.service")),
            ("LoadState", t("loaded")),
            ("ActiveState", t("activating")),
            ("SubState", t("auto-restart")),
            ("Result", t("signal")),
            ("ExecMainCode", Value::Number(2)),
            ("ExecMainStatus", Value::Number(9)),
            ("NRestarts", Value::Number(7)),
            ("MainPID", Value::Number(0)),
            ("MemoryMax", Value::Number(u64::MAX.into())),
            ("MemoryLimit", Value::Number(1 << 20)),
            ("MemoryCurrent", Value::Number(u64::MAX.into())),
            ("InactiveEnterTimestamp", Value::Number(1_700_000_000_000_000)),
            ("ExecStart", Value::List(vec![exec])),
            ("TriggeredBy", Value::List(vec![t("app.socket"), t("*")])),
        ]))
        .unwrap();
        assert_eq!((unit.active, unit.result), (UnitActive::Activating, UnitResult::Signal));
        assert_eq!((unit.exit, unit.restarts), (UnitExit::Killed(9), 7));
        assert_eq!(
            (unit.main_pid, unit.memory_max, unit.memory_current),
            (None, Some(1 << 20), None)
        );
        assert_eq!(unit.inactive_enter, Some(Wall::from_secs(1_700_000_000)));
        assert_eq!(unit.triggered_by.len(), 1);
        let command = unit.commands[0].raw();
        assert!(command.starts_with("/usr/bin/node server.js") && !command.contains("CANARY"));
    }

    #[test]
    fn an_unmet_condition_counts_only_once_it_was_checked() {
        let never = unit(&map(vec![
            ("Id", t("a.service")),
            ("ConditionResult", Value::Flag(false)),
            ("ConditionTimestamp", Value::Number(0)),
        ]));
        assert!(never.unwrap().condition);
        let unmet = unit(&map(vec![
            ("Id", t("a.service")),
            ("ConditionResult", Value::Flag(false)),
            ("ConditionTimestamp", Value::Number(5)),
        ]));
        assert!(!unmet.unwrap().condition);
    }

    #[test]
    fn numbers_out_of_range_and_wrong_kinds_are_left_out() {
        let odd = unit(&map(vec![
            ("Id", t("a.service")),
            ("MainPID", Value::Number(-1)),
            ("NRestarts", Value::Number(i128::MAX)),
            ("ExecStart", Value::List(vec![Value::Flag(true), Value::List(vec![])])),
            ("Description", Value::Number(3)),
        ]))
        .unwrap();
        assert_eq!((odd.main_pid, odd.restarts, odd.commands.len()), (None, 0, 0));
        assert!(unit(&map(vec![("Id", t("../x"))])).is_none());
    }
}
