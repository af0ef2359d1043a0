//! What stands behind: whether it runs and stays.

use crate::{
    evidence::topology::Listening,
    observation::{ContainerState, Health, SourceId, Unit, UnitExit, UnitName},
};

use super::{
    Measured,
    sight::{Sight, Tally},
};

/// Restarts by themselves that are more than an accident.
const OFTEN: u32 = 3;

pub(super) fn ended(unit: &Unit) -> String {
    match unit.exit {
        UnitExit::None => "no exit known".to_owned(),
        UnitExit::Exited(status) => format!("exit status {status}"),
        UnitExit::Killed(signal) => format!("killed by signal {signal}"),
        UnitExit::Dumped(signal) => format!("crashed with signal {signal}"),
    }
}

fn word(state: impl std::fmt::Debug) -> String {
    let mut out = String::new();
    for c in format!("{state:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

pub(super) fn runs(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for unit in sight.units() {
        let since = unit.inactive_enter.map(|at| format!(" since {at}")).unwrap_or_default();
        if unit.is_up() {
            let pid = unit.main_pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
            tally.good(format!("{}: {}{pid}", unit.name, word(unit.active)));
        } else {
            tally.bad(format!("{}: {}{since}, {}", unit.name, word(unit.active), ended(unit)));
        }
    }
    for program in sight.programs() {
        let word = match program.said.raw() {
            "" => program.state.as_str().to_owned(),
            _ => program.said.to_string(),
        };
        let exit = program.exit.map(|code| format!(", exit status {code}")).unwrap_or_default();
        tally.judge(program.is_up(), format!("{}: {word}{exit}", program.id));
    }
    for chain in &sight.chains {
        let name = chain.upstream.written.to_string();
        if chain.peers.iter().any(|p| p.listening == Listening::Yes) {
            tally.good(format!("{name}: a socket listens"));
        } else if chain.peers.iter().any(|p| p.listening == Listening::No) {
            tally.bad(format!("{name}: nothing listens"));
        } else {
            tally.note(format!("{name}: {}", chain.reason));
        }
    }
    seen_containers(sight, &mut tally);
    if let Some(blind) = sight.blind(SourceId::Units) {
        tally.unknown(blind);
    }
    match sight.units().first() {
        Some(unit) => tally.command(&["systemctl", "status", unit.name.as_str()]),
        None => tally.command(&["ss", "-ltnp"]),
    }
    tally.measured("the configuration leads to nothing on this host")
}

pub(super) fn stays(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for unit in sight.units() {
        let text = format!(
            "{}: restarted {} times by itself, {}, start limit {}",
            unit.name,
            unit.restarts,
            ended(unit),
            unit.start_limit_burst
        );
        tally.judge(unit.is_up() && unit.restarts < OFTEN, text);
    }
    for program in sight.programs() {
        let restarts = program.restarts.map(|n| format!(", {n} restarts")).unwrap_or_default();
        let word = program.state.as_str();
        tally.judge(program.is_up(), format!("{}: {word}{restarts}", program.id));
    }
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        if let Some(container) = peer.responsible_container() {
            let good = container.state == ContainerState::Running;
            let text = format!("container {}: {} restarts", container.name, container.restarts);
            tally.judge(good, text);
        }
    }
    match sight.units().first() {
        Some(unit) => tally.command(&[
            "systemctl",
            "show",
            unit.name.as_str(),
            "-p",
            "NRestarts,Result,ExecMainStatus",
        ]),
        None => tally.command(&["systemctl", "list-units", "--type=service"]),
    }
    tally.measured("no unit or container stands behind the upstreams here")
}

pub(super) fn gateway(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for gateway in sight.case.gateways.values() {
        let (kind, config) = (gateway.kind.as_str(), &gateway.config);
        match (gateway.running, gateway.workers.len()) {
            (true, 0) => tally.bad(format!("{kind} of {config}: a master and no worker")),
            (true, n) => tally.good(format!("{kind} of {config}: {n} workers")),
            (false, _) => tally.bad(format!("{kind} of {config}: does not run")),
        }
    }
    let looked_at = sight.gateway();
    let unit = looked_at.and_then(|gateway| gateway.unit.as_ref()).map(UnitName::as_str);
    let name = unit.or_else(|| looked_at.map(|gateway| gateway.kind.as_str()));
    tally.command(&["systemctl", "status", name.unwrap_or("nginx")]);
    tally.measured("no gateway was found on this host")
}

fn seen_containers(sight: &Sight<'_>, tally: &mut Tally) {
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        let Some(container) = peer.responsible_container() else { continue };
        let code = container.exit_code.map(|code| format!(", exit code {code}"));
        let oom = if container.oom_killed { ", killed for memory" } else { "" };
        let text = format!(
            "container {}: {}{}{oom}",
            container.name,
            word(container.state),
            code.unwrap_or_default()
        );
        tally.judge(container.state == ContainerState::Running, text);
    }
}

pub(super) fn containers(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    seen_containers(sight, &mut tally);
    let mut named = None;
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        let Some(container) = peer.responsible_container() else { continue };
        named = Some(container.name.to_string());
        if container.health != Health::None {
            let text = format!(
                "container {}: {} {}",
                container.name,
                word(container.health),
                container.health_output
            );
            tally.judge(container.health != Health::Unhealthy, text);
        }
        for port in &container.ports {
            let text = format!(
                "container {}: {}:{} leads to {} inside",
                container.name, port.host_ip, port.host_port, port.container_port
            );
            tally.note(text);
        }
    }
    if let Some(blind) = sight.blind(SourceId::Docker) {
        tally.unknown(blind);
    }
    match named {
        Some(name) => tally.command(&["docker", "inspect", &name]),
        None => tally.command(&["docker", "ps", "-a"]),
    }
    tally.measured("no upstream leads to a container here")
}
