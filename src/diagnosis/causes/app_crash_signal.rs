//! The program crashes: it ends by SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::UnitResult,
};

use super::rule::{Rule, about_unit, fatal_signal, kernel_fault};

pub(super) const RULE: Rule = Rule { cause: "app-crash-signal", judge };

/// Signals that a program raises by its own fault (signal(7)).
const FAULTS: [i32; 5] = [4, 6, 7, 8, 11];

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .into_iter()
        .filter_map(|backing| {
            let unit = backing.who;
            let crashes: Vec<_> = scene
                .facts_of_unit(unit, &["app-crash-signal"])
                .filter(|fact| {
                    let signal = fact.captures.get("sig").and_then(|s| s.raw().parse().ok());
                    signal.is_some_and(|s: i32| FAULTS.contains(&s))
                })
                .collect();
            let state = fatal_signal(unit).filter(|s| {
                FAULTS.contains(s)
                    && matches!(unit.result, UnitResult::Signal | UnitResult::CoreDump)
            });
            let suffers = backing.missing || scene.failing_lately(&backing.chains);
            if (crashes.is_empty() && state.is_none()) || !suffers {
                return None;
            }
            let signal = state.or_else(|| {
                crashes
                    .last()
                    .and_then(|f| f.captures.get("sig"))
                    .and_then(|s| s.raw().parse().ok())
            });
            let name = signal_name(signal.unwrap_or_default());
            let times = match crashes.len() {
                0 | 1 => String::new(),
                n => format!(", {n} times in this incident"),
            };
            let summary = format!("{} crashes with {name}{times}", unit.name);
            let mut finding =
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(crashes.last().map(|fact| Scene::quote(fact)))
                    .check(format!("which request kills it? coredumpctl info {}", unit.name));
            if let Some(first) = crashes.first() {
                finding.since = Some(first.at);
            }
            finding.evidence.extend(kernel_fault(scene, unit));
            Some(finding)
        })
        .collect()
}

const fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => "SIGILL (illegal instruction)",
        6 => "SIGABRT (it gave itself up)",
        7 => "SIGBUS (bad memory access)",
        8 => "SIGFPE (arithmetic fault)",
        11 => "SIGSEGV (bad memory access)",
        _ => "a fatal signal",
    }
}
