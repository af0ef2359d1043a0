//! A unit or a container: its state, what it says it serves, its last words.

use crate::{
    observation::{Claim, Container, ContainerId, Health, Origin, Owner, ProgramId, UnitName},
    session::{
        Shown,
        figures::bytes,
        page::{Block, Page, Tone},
        states::{self, Restarts, State},
    },
};

/// Log lines shown.
const LINES: usize = 40;

pub(super) fn unit(shown: &Shown<'_>, name: &UnitName) -> Option<Page> {
    let unit = shown.case.units.get(name)?;
    let mut page = Page::new(name.to_string());
    page.text(Tone::Plain, unit.description.to_string());
    let restarts = Restarts::new(shown);
    state(&mut page, &states::unit(shown, &restarts, unit));
    page.entry("for systemd", format!("{} ({})", worded(unit.active), unit.sub));
    page.entry("result", worded(unit.result));
    match states::unit_exit(unit) {
        Some((tone, words)) => page.toned("last exit", tone, words),
        None => page.entry("last exit", "it never ended"),
    }
    let lately = lately(&restarts.of_unit(unit));
    let policy = &unit.restart_policy;
    page.entry("restarts", format!("{lately}{} by itself, Restart={policy}", unit.restarts));
    served(&mut page, shown, &Owner::Unit(name.clone()));
    page.entry("at boot", unit.file_state.to_string());
    for (label, at) in [
        ("active since", unit.active_enter),
        ("active until", unit.active_exit),
        ("down since", unit.inactive_enter),
        ("started", unit.exec_start),
        ("ended", unit.exec_exit),
    ] {
        if let Some(at) = at {
            page.entry(label, at.to_string());
        }
    }
    let limit =
        unit.memory_max.map_or_else(|| "no limit".to_owned(), |n| format!("limit {}", bytes(n)));
    let used = unit.memory_current.map_or_else(|| "not counted".to_owned(), bytes);
    page.entry("memory", format!("{used}, {limit}"));
    if unit.start_limit_burst > 0 {
        let secs = unit.start_limit_interval_us / 1_000_000;
        page.entry("start limit", format!("{} starts in {secs} s", unit.start_limit_burst));
    }
    for command in &unit.commands {
        page.entry("runs", command.to_string());
    }
    claims(&mut page, &unit.claims);
    let theirs = |origin: &Origin| matches!(origin, Origin::Journal(of) if of == name);
    last_lines(&mut page, shown, theirs);
    Some(page)
}

/// The name of a state as its manager writes it: `OomKill` is `oom-kill`.
fn worded(state: impl std::fmt::Debug) -> String {
    let mut out = String::new();
    for c in format!("{state:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The state, and what its word means for somebody who has not met it.
fn state(page: &mut Page, state: &State) {
    page.toned("state", state.tone, format!("{} {}", state.mark, state.word));
    page.toned("", Tone::Muted, state.means);
}

/// The rhythm of restarts, where more is known than how many there were.
fn lately(rhythm: &str) -> String {
    if rhythm.is_empty() || rhythm.ends_with("in all") {
        String::new()
    } else {
        format!("{rhythm}; ")
    }
}

fn served(page: &mut Page, shown: &Shown<'_>, owner: &Owner) {
    let all = states::serves(shown, &std::iter::once(owner.clone()).collect());
    let words = all.get(owner).map(states::Served::words).filter(|words| !words.is_empty());
    page.entry("serves", words.unwrap_or_else(|| "nothing that an upstream leads to".to_owned()));
}

pub(super) fn container(shown: &Shown<'_>, id: &ContainerId) -> Option<Page> {
    let container = shown.case.containers.get(id)?;
    let mut page = Page::new(format!("Container {}", container.name));
    let restarts = Restarts::new(shown);
    state(&mut page, &states::container(shown, &restarts, container));
    page.entry("for docker", worded(container.state));
    if let Some((tone, words)) = states::container_exit(container) {
        page.toned("last exit", tone, words);
    }
    if !container.error.is_empty() {
        page.toned("error", Tone::Bad, container.error.to_string());
    }
    let lately = lately(&restarts.of_container(container));
    let policy = &container.restart_policy;
    page.entry("restarts", format!("{lately}{}, policy {policy}", container.restarts));
    served(&mut page, shown, &Owner::Container(id.clone()));
    for (label, at) in [("started", container.started), ("ended", container.finished)] {
        if let Some(at) = at {
            page.entry(label, at.to_string());
        }
    }
    page.entry("id", container.id.to_string());
    page.entry("image", container.image.to_string());
    reachable(&mut page, container);
    claims(&mut page, &container.claims);
    let theirs = |origin: &Origin| matches!(origin, Origin::ContainerLog(of) | Origin::Docker(of) if of == id);
    last_lines(&mut page, shown, theirs);
    Some(page)
}

pub(super) fn program(shown: &Shown<'_>, id: &ProgramId) -> Option<Page> {
    let (manager, program) = shown.case.program(id)?;
    let mut page = Page::new(id.to_string());
    state(&mut page, &states::program(program));
    if !program.said.is_empty() {
        page.entry(&format!("for {}", id.manager), program.said.to_string());
    }
    match states::program_exit(program) {
        Some((tone, words)) => page.toned("last exit", tone, words),
        None => page.entry("last exit", "it is not known how it ended"),
    }
    if !program.error.is_empty() {
        page.toned("error", Tone::Bad, program.error.to_string());
    }
    if program.wanted > 1 {
        page.entry("processes", format!("{} of {} run", program.up, program.wanted));
    }
    let again = match program.autorestart {
        Some(true) => ", started again by itself",
        Some(false) => ", not started again by itself",
        None => "",
    };
    let restarts = program.restarts.map_or_else(|| "not counted".to_owned(), |n| n.to_string());
    page.entry("restarts", format!("{restarts}{again}"));
    served(&mut page, shown, &Owner::Program(id.clone()));
    for (label, at) in [("started", program.started), ("ended", program.stopped)] {
        if let Some(at) = at {
            page.entry(label, at.to_string());
        }
    }
    if let Some(limit) = program.memory_limit {
        page.entry("memory", format!("restarted above {}", bytes(limit)));
    }
    let running = if manager.running { "runs" } else { "does not run" };
    page.entry(
        "manager",
        format!("{} of {}, {running}, {}", manager.kind, manager.user, manager.home),
    );
    if let Some(unit) = &manager.unit {
        page.entry("unit", unit.to_string());
    }
    page.entry("runs", program.command.to_string());
    if !program.folder.is_empty() {
        page.entry("folder", program.folder.to_string());
    }
    for log in &program.logs {
        page.entry("log", log.to_string());
    }
    claims(&mut page, &program.claims);
    let theirs =
        |origin: &Origin| matches!(origin, Origin::File(path) if program.logs.contains(path));
    last_lines(&mut page, shown, theirs);
    Some(page)
}

fn reachable(page: &mut Page, container: &Container) {
    if container.health != Health::None {
        let tone = if container.health == Health::Unhealthy { Tone::Bad } else { Tone::Plain };
        let words = format!("{} {}", worded(container.health), container.health_output);
        page.toned("health", tone, words);
    }
    page.entry("memory", container.memory_limit.map_or_else(|| "no limit".to_owned(), bytes));
    for port in &container.ports {
        let text = format!("{}:{} to {}", port.host_ip, port.host_port, port.container_port);
        page.entry("port", text);
    }
    for (network, ip) in &container.ips {
        page.entry("address", format!("{ip} in {network}"));
    }
    if let Some((project, service)) = &container.compose {
        page.entry("compose", format!("{service} of {project}"));
    }
    page.entry("runs", container.command.to_string());
}

fn claims(page: &mut Page, claims: &[Claim]) {
    if claims.is_empty() {
        return;
    }
    page.heading("It says that it serves");
    for claim in claims.iter().take(12) {
        let text = claim.address.to_string();
        page.blocks.push(Block::Event('·', Tone::Muted, None, text, claim.origin.to_string()));
    }
}

fn last_lines(page: &mut Page, shown: &Shown<'_>, theirs: impl Fn(&Origin) -> bool) {
    page.heading("Its last lines, newest first");
    let mut none = true;
    for (_, lines) in shown.case.logs.tails.iter().filter(|(origin, _)| theirs(origin)) {
        for line in lines.iter().rev().take(LINES) {
            none = false;
            page.blocks.push(Block::Log(Some(line.at), Tone::Plain, line.text.to_string()));
        }
    }
    if none {
        page.text(Tone::Muted, "none were read");
    }
}
