//! A container's state and its last end.

use crate::{
    observation::{Container, ContainerState, Health},
    session::{Shown, page::Tone},
};

use super::{Restarts, State, exit_words};

/// The state of a container. A loop of restarts is never called running.
pub fn container(shown: &Shown<'_>, restarts: &Restarts, container: &Container) -> State {
    if restarts.container_loops(shown, container) {
        return State::new(
            "✗",
            Tone::Bad,
            "crash loop",
            "It ends soon after each start, and Docker starts it again, waiting longer each time: \
             it is never up for long. Why it ends stands in its last lines.",
        );
    }
    match (container.state, container.health) {
        (ContainerState::Running, Health::Unhealthy) => State::new(
            "◐",
            Tone::Warn,
            "unhealthy",
            "It runs, and its own health check says that it does not work. Docker only reports \
             that; it does not restart it.",
        ),
        (ContainerState::Running, Health::Starting) => State::new(
            "◐",
            Tone::Warn,
            "starting",
            "It runs, and its health check has not passed yet.",
        ),
        (ContainerState::Running, Health::Healthy) => {
            State::new("●", Tone::Good, "healthy", "It runs, and its own health check passes.")
        }
        (ContainerState::Running, Health::None) => State::new(
            "●",
            Tone::Good,
            "running",
            "Its main process runs. It has no health check: that it answers is another matter.",
        ),
        (ContainerState::Paused, _) => State::new(
            "◐",
            Tone::Warn,
            "paused",
            "Frozen (docker pause): connections are accepted and nobody answers them.",
        ),
        (ContainerState::Restarting, _) => State::new(
            "◐",
            Tone::Warn,
            "restarting",
            "It ended; Docker waits before it starts it again.",
        ),
        (ContainerState::Exited, _) => State::new(
            "✗",
            Tone::Bad,
            "exited",
            "Its main process ended, and Docker does not start it again by itself.",
        ),
        (ContainerState::Created, _) => {
            State::new("○", Tone::Warn, "created", "It was made and never started.")
        }
        (ContainerState::Other, _) => State::new(
            "?",
            Tone::Warn,
            "unknown",
            "It is being removed, or in a state that is not known here.",
        ),
    }
}

/// How a container last ended, and whether that is bad; `None` when it never did.
pub fn container_exit(container: &Container) -> Option<(Tone, String)> {
    if container.oom_killed {
        return Some((Tone::Bad, "killed by the kernel: out of memory".to_owned()));
    }
    if !container.error.is_empty() {
        return Some((Tone::Bad, container.error.to_string()));
    }
    let ran = container.finished.is_some() || container.state != ContainerState::Running;
    match container.exit_code.filter(|_| ran)? {
        0 if container.state == ContainerState::Running => None,
        code @ (0 | 143) => Some((Tone::Muted, exit_words(code))),
        code => Some((Tone::Bad, exit_words(code))),
    }
}
