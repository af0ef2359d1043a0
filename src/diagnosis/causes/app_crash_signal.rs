//! The program crashes: it ends by SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{SourceId, UnitResult},
};

use super::rule::{Rule, about_unit, fatal_signal, kernel_fault};

pub(super) const RULE: Rule = Rule { cause: "app-crash-signal", judge };

/// Signals that a program raises by its own fault (signal(7)).
const FAULTS: [i32; 5] = [4, 6, 7, 8, 11];
/// The one that a program sends itself.
const ABORTED: i32 = 6;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .iter()
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
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(crashes.last().map(|fact| Scene::quote(fact)))
                    .check(format!("which request kills it? coredumpctl info {}", unit.name));
            if let Some(first) = crashes.first() {
                finding.since = Some(first.at);
            }
            finding.evidence.extend(kernel_fault(scene, unit));
            // Who gives itself up says why, and this is then the cause.
            if signal == Some(ABORTED) && crashes.is_empty() && scene.blind(SourceId::Journal) {
                finding.confidence = Confidence::Possible;
                finding =
                    finding.unseen("what it said before it gave itself up", SourceId::Journal);
            }
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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::UnitResult,
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn why_a_program_gave_itself_up_stands_in_its_journal() {
        use crate::observation::SourceId;
        let ended = |signal| {
            let shop = unit("shop.service").claims(AT).killed(signal, 60);
            Host::passing_to(AT).unit(shop).refused(10, AT)
        };
        let sure = |host: &Host| host.root("app-crash-signal").confidence;
        assert_eq!(sure(&ended(6)), Confidence::Confirmed);
        assert_eq!(sure(&ended(6).blind(SourceId::Journal)), Confidence::Possible);
        assert_eq!(sure(&ended(11).blind(SourceId::Journal)), Confidence::Confirmed);
    }

    #[test]
    fn a_crash_stands_above_the_state_that_it_left() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(11, 60).result(UnitResult::CoreDump))
            .systemd("shop.service", 60, "Main process exited, code=dumped, status=11/SEGV")
            .refused(10, AT);
        let found = host.root("app-crash-signal");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("SIGSEGV"), "{}", found.summary);
    }

    #[test]
    fn signal_9_is_not_a_crash() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(9, 60))
            .systemd("shop.service", 60, "Main process exited, code=killed, status=9/KILL")
            .refused(10, AT);
        host.spares("app-crash-signal");
        host.root("app-killed-not-restarted");
    }

    #[test]
    fn a_crash_that_hurt_no_request_is_not_a_finding() {
        Host::new()
            .upstream(AT)
            .serves("shop.service", AT, 100)
            .systemd("shop.service", 60, "Main process exited, code=dumped, status=6/ABRT")
            .traffic(1, 200, 10)
            .spares("app-crash-signal");
    }

    #[test]
    fn an_abort_by_the_watchdog_is_not_a_crash_of_its_own() {
        let dead = unit("shop.service").claims(AT).killed(6, 60).result(UnitResult::Watchdog);
        Host::passing_to(AT).unit(dead).refused(10, AT).spares("app-crash-signal");
    }
}
