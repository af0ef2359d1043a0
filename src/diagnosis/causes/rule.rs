//! The shape of a rule, and what the rules about units and containers share.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    observation::{Container, Origin, Unit, UnitExit, Wall},
};

/// One cause: its id and the function that looks for it.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Id of the cause, as in `assets/causes`.
    pub cause: &'static str,
    /// Finds it, once for each subject.
    pub judge: fn(&Scene<'_>) -> Vec<Finding>,
}

/// Units that an upstream misses.
pub(super) fn missed_units<'s, 'a>(
    scene: &'s Scene<'a>,
) -> impl Iterator<Item = &'s Backing<'a, Unit>> {
    scene.units().iter().filter(|backing| backing.missing)
}

/// A finding about a unit that an upstream misses or leans on, with the evidence that all such
/// findings share. It is never surer than the link between address and unit.
pub(super) fn about_unit(
    scene: &Scene<'_>,
    backing: &Backing<'_, Unit>,
    cause: &'static str,
    confidence: Confidence,
    summary: String,
) -> Finding {
    let unit = backing.who;
    let mut subject = scene.subject(&backing.chains);
    subject.unit = Some(unit.name.clone());
    let mut finding = Finding::new(cause, confidence.min(backing.link), summary)
        .about(subject)
        .with(state_words(unit), Origin::Systemd(unit.name.clone()), down_since(unit))
        .with_some(backing.link_words.clone())
        .with_some(scene.symptom(&backing.chains))
        .since(down_since(unit).or(scene.incident.first));
    if backing.link < Confidence::Likely {
        finding = finding.check(format!("see whether {} is what should answer there", unit.name));
    }
    finding
}

/// A finding about a container behind an upstream.
pub(super) fn about_container(
    scene: &Scene<'_>,
    backing: &Backing<'_, Container>,
    cause: &'static str,
    confidence: Confidence,
    summary: String,
) -> Finding {
    let container = backing.who;
    let mut subject = scene.subject(&backing.chains);
    subject.container = Some((container.id.clone(), container.name.clone()));
    Finding::new(cause, confidence.min(backing.link), summary)
        .about(subject)
        .with_some(scene.symptom(&backing.chains))
        .since(scene.incident.first)
}

/// When a unit went down, `None` while it is up.
pub(super) fn down_since(unit: &Unit) -> Option<Wall> {
    if unit.is_up() { None } else { unit.inactive_enter.or(unit.active_exit).or(unit.exec_exit) }
}

/// The state of a unit in systemd's own words.
pub(super) fn state_words(unit: &Unit) -> String {
    let active = match unit.active {
        crate::observation::UnitActive::Active => "active",
        crate::observation::UnitActive::Reloading => "reloading",
        crate::observation::UnitActive::Inactive => "inactive",
        crate::observation::UnitActive::Failed => "failed",
        crate::observation::UnitActive::Activating => "activating",
        crate::observation::UnitActive::Deactivating => "deactivating",
    };
    let exit = match unit.exit {
        UnitExit::None => String::new(),
        UnitExit::Exited(code) => format!(", main process exited with status {code}"),
        UnitExit::Killed(signal) => format!(", main process killed by signal {signal}"),
        UnitExit::Dumped(signal) => format!(", main process dumped core on signal {signal}"),
    };
    let restarts = match unit.restarts {
        0 => String::new(),
        n => format!(", {n} automatic restarts"),
    };
    format!("{} is {active} ({}){exit}{restarts}", unit.name, unit.sub)
}

/// The last line of a unit's own log that says something, for a finding that has no better words.
pub(super) fn last_words(scene: &Scene<'_>, unit: &Unit) -> Option<crate::diagnosis::Evidence> {
    // systemd's own words stand in the same journal.
    words_of(scene, Origin::Journal(unit.name.clone()), |text| {
        !text.starts_with(unit.name.as_str())
            && !["Started ", "Finished ", "Stopped ", "Starting ", "Stopping ", "Failed to start "]
                .into_iter()
                .any(|word| text.starts_with(word))
    })
}

/// What a container said last.
pub(super) fn words_of_container(
    scene: &Scene<'_>,
    container: &Container,
) -> Option<crate::diagnosis::Evidence> {
    words_of(scene, Origin::ContainerLog(container.id.clone()), |_| true)
}

/// Of the last lines of a log the newest complaint, else the newest line: what ends with an error
/// often goes on for some lines (a dumped object, frames of a stack).
fn words_of(
    scene: &Scene<'_>,
    origin: Origin,
    own: impl Fn(&str) -> bool,
) -> Option<crate::diagnosis::Evidence> {
    /// Seconds before the last line that belong to the same end.
    const END: i64 = 10;
    let tail = scene.case.logs.tails.get(&origin)?;
    let mut lines = tail.iter().rev().filter(|line| own(line.text.raw()));
    let newest = lines.next()?;
    let from = newest.at.minus_secs(END);
    let mut end = std::iter::once(newest).chain(lines.take_while(|line| line.at >= from));
    let line = end.find(|line| complains(line.text.raw())).unwrap_or(newest);
    Some(crate::diagnosis::Evidence {
        what: line.text.to_string().chars().take(240).collect(),
        origin,
        at: Some(line.at),
    })
}

/// Whether a line speaks of something that went wrong.
fn complains(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "error",
        "exception",
        "fatal",
        "panic",
        "failed",
        "failure",
        "refused",
        "denied",
        "cannot",
        "can't",
        "unable",
        "no such",
    ];
    let text = text.to_ascii_lowercase();
    // A frame of a stack names functions, not what happened.
    !text.trim_start().starts_with("at ") && WORDS.into_iter().any(|word| text.contains(word))
}

/// The signal that ended a unit's main process, if one did.
pub(super) const fn fatal_signal(unit: &Unit) -> Option<i32> {
    match unit.exit {
        UnitExit::Killed(signal) | UnitExit::Dumped(signal) => Some(signal),
        _ => None,
    }
}

/// The newest crash in the kernel log of a program that this unit runs. The kernel names no unit,
/// only the program, so this stands beside a proof and is none.
pub(super) fn kernel_fault(scene: &Scene<'_>, unit: &Unit) -> Option<crate::diagnosis::Evidence> {
    let runs = |name: &str| {
        unit.commands.iter().any(|command| {
            let program = command.raw().split_whitespace().next().unwrap_or_default();
            let base = program.rsplit('/').next().unwrap_or_default();
            // The kernel keeps the first fifteen bytes of a name.
            !name.is_empty() && (base == name || (name.len() >= 15 && base.starts_with(name)))
        }) || scene.case.processes.values().any(|p| {
            p.name.raw() == name
                && p.owner == Some(crate::observation::Owner::Unit(unit.name.clone()))
        })
    };
    let window = scene.incident.window;
    let fault = scene.case.segfaults.iter().rev().find(|f| f.at >= window && runs(f.name.raw()))?;
    Some(crate::diagnosis::Evidence {
        what: fault.text.to_string(),
        origin: Origin::KernelLog,
        at: Some(fault.at),
    })
}
