//! Starts, ends and changes of containers.

use crate::{
    observation::{Container, ContainerEvent, ContainerState, Wall},
    session::{
        RowKey, Shown,
        page::Tone,
        states::{self, exit_words},
    },
};

use super::{
    Mark, MarkKind,
    collect::{Behind, Told},
};

pub(super) fn marks(shown: &Shown<'_>, behind: &Behind, all: &mut Vec<Mark>) {
    let mut told = Told::default();
    for event in &shown.case.container_events {
        let Some((kind, what)) = happened(event) else { continue };
        let mark = Mark::new(event.at, kind, event.id.to_string()).says(what, "docker");
        let mark = mark.about(RowKey::Container(event.id.clone()));
        told.put(mark.needed(behind.1.contains(&event.id)), all);
    }
    // Docker tells its past only from when we began to listen; the last start and end it keeps.
    for container in shown.case.containers.values() {
        let needed = behind.1.contains(&container.id);
        for (at, kind, what) in of_container(container) {
            let mark = Mark::new(at, kind, container.id.to_string()).says(what, "docker");
            let mark = mark.about(RowKey::Container(container.id.clone()));
            told.put(mark.needed(needed), all);
        }
    }
}

fn happened(event: &ContainerEvent) -> Option<(MarkKind, String)> {
    let name = &event.name;
    let say = |kind, what: &str| Some((kind, format!("container {name}{what}")));
    match event.action.raw() {
        "start" => say(MarkKind::Started, ""),
        "die" => {
            let code = event.exit_code.unwrap_or(0);
            let kind = if matches!(code, 0 | 143) { MarkKind::Stopped } else { MarkKind::Failed };
            say(kind, &format!(": {}", exit_words(code)))
        }
        "oom" => say(MarkKind::Kill, ": its processes ran out of memory"),
        "pause" => say(MarkKind::State, " was paused: it answers nobody"),
        "unpause" => say(MarkKind::State, " goes on after a pause"),
        "restart" => say(MarkKind::Restart, " was restarted by somebody"),
        "destroy" => say(MarkKind::Stopped, " was removed"),
        "update" => say(MarkKind::Change, " has other limits now"),
        "health_status: unhealthy" => say(MarkKind::State, " is unhealthy by its own health check"),
        "health_status: healthy" => say(MarkKind::State, " is healthy by its own health check"),
        // Everything else, `exec` of the health checks before all, says nothing of its state.
        _ => None,
    }
}

fn of_container(container: &Container) -> Vec<(Wall, MarkKind, String)> {
    let name = &container.name;
    let mut all = Vec::new();
    if let Some(at) = container.started {
        all.push((at, MarkKind::Started, format!("container {name}")));
    }
    // Docker writes the year 1 for "never".
    if let Some(at) = container.finished.filter(|at| at.0 > 0) {
        let exit = states::container_exit(container);
        let bad = exit.as_ref().is_some_and(|(tone, _)| *tone == Tone::Bad)
            || container.state == ContainerState::Restarting;
        let words = exit.map_or_else(String::new, |(_, words)| format!(": {words}"));
        let kind = if bad { MarkKind::Failed } else { MarkKind::Stopped };
        all.push((at, kind, format!("container {name}{words}")));
    }
    all
}
