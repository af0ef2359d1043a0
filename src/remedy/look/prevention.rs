//! What this host lacks so that it does not happen again, each with the line to add.

use crate::{
    observation::{Health, Unit},
    remedy::{Action, Blast, Plan, UnitSetting},
    verification::{Clause, Expectation},
};

use super::{
    Measured,
    resources::mib,
    sight::{Sight, Tally},
};

/// A change that prevents and interrupts nobody.
fn plan(remedy: &str, unit: &Unit, why: String, step: Action) -> Plan {
    let clauses = vec![Clause::UnitRuns { unit: unit.name.clone() }];
    let clauses = if unit.is_up() { clauses } else { Vec::new() };
    Plan {
        remedy: remedy.to_owned(),
        // It cures no finding, so none has to be seen for it.
        cause: String::new(),
        whom: unit.name.to_string(),
        why,
        steps: vec![step],
        expect: Expectation { within_secs: 5, stable_secs: 2, clauses, proofs: Vec::new() },
        blast: Blast::default(),
    }
}

/// Services that requests need: those behind the upstreams, and the gateways' own.
fn needed<'a>(sight: &Sight<'a>) -> Vec<&'a Unit> {
    let mut all = sight.units();
    for gateway in sight.case.gateways.values() {
        let unit = gateway.unit.as_ref().and_then(|name| sight.case.units.get(name));
        if let Some(unit) = unit
            && !all.iter().any(|known| known.name == unit.name)
        {
            all.push(unit);
        }
    }
    all.retain(|unit| unit.name.is_service());
    all
}

pub(super) fn restart(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let units = needed(sight);
    for unit in &units {
        let policy = unit.restart_policy.raw();
        if policy == "no" || policy.is_empty() {
            let why = format!("{} has no Restart=: it stays down after a failure", unit.name);
            tally.bad(format!("{why}; add: [Service] Restart=on-failure RestartSec=5"));
            let settings = vec![UnitSetting::RestartOnFailure, UnitSetting::RestartSec(5)];
            let step = Action::LimitUnit { unit: unit.name.clone(), settings };
            tally.act(plan("restart-policy", unit, why, step));
        } else {
            tally.good(format!("{}: Restart={policy}", unit.name));
        }
    }
    match units.first() {
        Some(unit) => tally.command(&["systemctl", "edit", unit.name.as_str()]),
        None => tally.command(&["systemctl", "cat", "nginx"]),
    }
    tally.measured("no service stands behind the upstreams here")
}

pub(super) fn boot(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let units = needed(sight);
    for unit in &units {
        match unit.file_state.raw() {
            "disabled" if unit.triggered_by.is_empty() => {
                let why = format!("{} is not started at boot", unit.name);
                tally.bad(format!("{why}; systemctl enable {}", unit.name));
                let step = Action::EnableUnit { unit: unit.name.clone() };
                tally.act(plan("enable-unit", unit, why, step));
            }
            state @ ("masked" | "masked-runtime") => {
                tally.bad(format!("{} is {state}: it cannot be started", unit.name));
            }
            state => tally.good(format!("{}: {state}", unit.name)),
        }
    }
    match units.first() {
        Some(unit) => tally.command(&["systemctl", "is-enabled", unit.name.as_str()]),
        None => tally.command(&["systemctl", "list-unit-files", "--state=disabled"]),
    }
    tally.measured("no service stands behind the upstreams here")
}

pub(super) fn limits(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let total = sight.case.memory.last().map(|sample| sample.value.total);
    let mut sum = 0_u64;
    for unit in sight.units() {
        if let Some(max) = unit.memory_max {
            sum = sum.saturating_add(max);
            tally.good(format!("{}: MemoryMax={}", unit.name, mib(max)));
        } else {
            let now = unit.memory_current.map(|n| format!(", it uses {} now", mib(n)));
            tally.bad(format!(
                "{} has no memory limit{}; add: [Service] MemoryMax= above its busiest hour",
                unit.name,
                now.unwrap_or_default()
            ));
        }
        if let Some(files) = unit.limit_nofile.filter(|n| *n <= 1_024) {
            let text = format!("{}: LimitNOFILE={files} is little under load", unit.name);
            tally.note(text);
        }
    }
    if let Some(total) = total.filter(|total| sum > *total) {
        tally.bad(format!("the limits sum up to {}, the host has {}", mib(sum), mib(total)));
    }
    match sight.units().first() {
        Some(unit) => tally.command(&["systemctl", "edit", unit.name.as_str()]),
        None => tally.command(&["systemd-cgtop", "-m", "-n", "1"]),
    }
    tally.measured("no service stands behind the upstreams here")
}

pub(super) fn health(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let mut name = None;
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        let Some(container) = peer.responsible_container() else { continue };
        name = Some(container.name.to_string());
        if container.health == Health::None {
            tally.bad(format!(
                "container {} has no health check; add: healthcheck:",
                container.name
            ));
        } else {
            tally.good(format!("container {} is asked whether it is well", container.name));
        }
        let policy = container.restart_policy.raw();
        if policy.is_empty() || policy == "no" {
            let text = format!(
                "container {} is not started again; add: restart: unless-stopped",
                container.name
            );
            tally.bad(text);
        } else {
            tally.good(format!("container {}: restart {policy}", container.name));
        }
    }
    match name {
        Some(name) => tally.command(&["docker", "inspect", &name]),
        None => tally.command(&["docker", "ps"]),
    }
    tally.measured("no upstream leads to a container here; watch the site through the gateway")
}

pub(super) fn spare(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for chain in &sight.chains {
        let upstream = chain.upstream;
        let name = &upstream.written;
        if upstream.group_size > 1 {
            tally.good(format!("{name}: {} addresses in its group", upstream.group_size));
        } else {
            tally.bad(format!(
                "{name}: the only address; a second `server` in an `upstream` group takes over"
            ));
        }
        let named = matches!(upstream.address, Some(crate::observation::Address::Name { .. }));
        if named && !upstream.per_request && !upstream.params.resolve {
            tally.bad(format!(
                "{name}: looked up once, at load; add `resolver` and `resolve` ({})",
                upstream.place
            ));
        }
    }
    tally.command_of(sight.shows_config());
    tally.measured("the configuration passes nothing on")
}
