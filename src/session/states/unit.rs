//! A unit's state and its last end.

use crate::{
    observation::{Unit, UnitActive, UnitExit, UnitLoad, UnitResult},
    session::{Shown, page::Tone},
};

use super::{Restarts, State, exit_words, signal_words};

/// The state of a unit. A loop of restarts is never called running.
pub fn unit(shown: &Shown<'_>, restarts: &Restarts, unit: &Unit) -> State {
    let sub = unit.sub.raw();
    if restarts.unit_loops(shown, unit) {
        return State::new(
            "✗",
            Tone::Bad,
            "crash loop",
            "It ends soon after each start, and systemd starts it again: it is never up for long. \
             Why it ends stands in its last lines.",
        );
    }
    match (unit.load, unit.active) {
        (UnitLoad::Masked, _) => State::new(
            "✗",
            Tone::Bad,
            "masked",
            "Somebody forbade it to start (systemctl mask): it cannot be started before it is \
             unmasked.",
        ),
        (UnitLoad::NotFound, _) => State::new(
            "✗",
            Tone::Bad,
            "missing",
            "There is no unit file of this name: a package is missing, or the name is wrong.",
        ),
        (UnitLoad::Bad, _) => State::new(
            "✗",
            Tone::Bad,
            "bad file",
            "Its unit file cannot be read or has an error: systemd does not start it.",
        ),
        (_, UnitActive::Active) if sub == "exited" => State::new(
            "●",
            Tone::Good,
            "done",
            "active (exited): it did its work and ended; systemd counts it as active. No process \
             of it runs.",
        ),
        (_, UnitActive::Active) if sub == "listening" => State::new(
            "●",
            Tone::Good,
            "listening",
            "active (listening): systemd holds its socket and starts the service at the first \
             connection.",
        ),
        (_, UnitActive::Active) if sub == "waiting" => State::new(
            "●",
            Tone::Good,
            "waiting",
            "active (waiting): a timer or path unit; it starts its service when its time comes.",
        ),
        (_, UnitActive::Active) => State::new(
            "●",
            Tone::Good,
            "running",
            "active: its main process runs. That it answers is another matter: the chain shows it.",
        ),
        (_, UnitActive::Reloading) => State::new(
            "●",
            Tone::Good,
            "reloading",
            "reloading: it runs and is reading its configuration anew.",
        ),
        (_, UnitActive::Failed) => State::new(
            "✗",
            Tone::Bad,
            "failed",
            "failed: it ended with an error, or systemd gave up starting it. It stays down until \
             somebody starts it.",
        ),
        (_, UnitActive::Inactive) => State::new(
            "○",
            Tone::Warn,
            "stopped",
            "inactive (dead): it does not run and did not fail: it was stopped, or never started.",
        ),
        (_, UnitActive::Activating) if sub == "auto-restart" => State::new(
            "◐",
            Tone::Warn,
            "restarting",
            "activating (auto-restart): it ended; systemd waits before it starts it again.",
        ),
        (_, UnitActive::Activating) => State::new(
            "◐",
            Tone::Warn,
            "starting",
            "activating: it was started and has not yet said that it is ready.",
        ),
        (_, UnitActive::Deactivating) => State::new(
            "◐",
            Tone::Warn,
            "stopping",
            "deactivating: it was asked to stop and has not ended yet.",
        ),
    }
}

/// How a unit last ended, and whether that is bad; `None` when it never did.
pub fn unit_exit(unit: &Unit) -> Option<(Tone, String)> {
    let bad = |words: &str| Some((Tone::Bad, words.to_owned()));
    match (unit.result, unit.exit) {
        (UnitResult::OomKill, _) => bad("killed by the kernel: out of memory"),
        (UnitResult::StartLimitHit, _) => bad("started too often: systemd gave up"),
        (UnitResult::Timeout, _) => bad("it did not start or stop in time"),
        (UnitResult::Watchdog, _) => bad("no sign of life: its watchdog ended it"),
        (UnitResult::Resources, _) => bad("something that it needs to run could not be had"),
        (UnitResult::Protocol, _) => bad("it did not report its start as its type demands"),
        (_, UnitExit::None) => None,
        (_, UnitExit::Exited(0)) => Some((Tone::Muted, exit_words(0))),
        (_, UnitExit::Exited(status)) => Some((Tone::Bad, exit_words(status.into()))),
        (_, UnitExit::Killed(signal @ (1 | 2 | 15))) => Some((Tone::Muted, signal_words(signal))),
        (_, UnitExit::Killed(signal)) => Some((Tone::Bad, signal_words(signal))),
        (_, UnitExit::Dumped(signal)) => {
            Some((Tone::Bad, format!("{}, core dumped", signal_words(signal))))
        }
    }
}
