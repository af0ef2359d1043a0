//! The unit behind an upstream ended with an error of its own.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{SourceId, UnitActive, UnitExit, UnitResult},
};

use super::rule::{Rule, about_unit, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-unit-failed-exit", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| matches!(b.who.active, UnitActive::Failed | UnitActive::Activating))
        .filter(|b| b.who.result == UnitResult::ExitCode)
        .filter_map(|backing| {
            let UnitExit::Exited(code) = backing.who.exit else { return None };
            let unit = &backing.who.name;
            // A shell or a wrapper passes on in this way that its child was killed.
            let signal = code.checked_sub(128).filter(|signal| (1..=31).contains(signal));
            let what = signal.map_or_else(String::new, |signal| {
                format!(" (so a wrapper tells that signal {signal} ended its program)")
            });
            let summary = format!("{unit} ended with exit status {code}{what} and is not running");
            // Why it ended stands in its journal; unread, this is only what it looks like.
            let blind = scene.blind(SourceId::Journal);
            let confidence = if blind { Confidence::Likely } else { Confidence::Confirmed };
            let mut finding = about_unit(scene, backing, RULE.cause, confidence, summary);
            if blind {
                finding = finding.unseen("why it ended", SourceId::Journal);
            }
            Some(
                finding
                    .with_some(last_words(scene, backing.who))
                    .check(format!("what did it say last? journalctl -u {unit} -n 20")),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::SourceId,
    };

    const AT: &str = "127.0.0.1:8000";

    fn failed() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).exited(1, 60)).refused(10, AT)
    }

    #[test]
    fn a_unit_that_ended_with_an_error_is_told_with_its_last_words() {
        let found =
            failed().said("shop.service", 60, "database is locked").root("app-unit-failed-exit");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.evidence.iter().any(|e| e.what == "database is locked"));
        assert!(found.explains.contains(&"sym-tcp-refused"));
    }

    #[test]
    fn of_its_last_words_the_complaint_is_told_and_not_what_trails_it() {
        let found = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .said("shop.service", 61, "Error: connect ECONNREFUSED 127.0.0.1:5432")
            .said(
                "shop.service",
                60,
                "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1494:16) {",
            )
            .said("shop.service", 60, "  port: 5432")
            .said("shop.service", 60, "}")
            .said("shop.service", 60, "Failed to start shop.service - Shop.")
            .refused(10, AT)
            .root("app-unit-failed-exit");
        assert!(found.evidence.iter().any(|e| e.what.contains("ECONNREFUSED")), "{found:#?}");
    }

    #[test]
    fn the_status_of_a_wrapper_tells_the_signal_that_ended_its_program() {
        let summary = |code: i32| {
            let host = Host::passing_to(AT).unit(unit("shop.service").claims(AT).exited(code, 60));
            host.refused(10, AT).root("app-unit-failed-exit").summary
        };
        assert!(summary(137).contains("signal 9"), "{}", summary(137));
        assert!(!summary(1).contains("signal") && !summary(255).contains("signal"));
    }

    #[test]
    fn unread_words_leave_the_state_likely() {
        let found = failed().blind(SourceId::Journal).root("app-unit-failed-exit");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn a_failed_unit_that_no_upstream_leads_to_stays_outside() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .unit(unit("backup.service").claims("127.0.0.1:9999").exited(1, 60))
            .traffic(1, 200, 10);
        host.spares("app-unit-failed-exit");
        assert!(host.diagnose().outside.iter().any(|o| o.contains("backup.service")));
    }

    #[test]
    fn a_unit_that_is_only_the_one_left_is_at_most_possible() {
        let host = Host::passing_to(AT).unit(unit("shop.service").exited(1, 60)).refused(10, AT);
        assert_eq!(host.root("app-unit-failed-exit").confidence, Confidence::Possible);
    }

    #[test]
    fn of_two_units_that_could_be_the_one_left_neither_is_blamed() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").exited(1, 60))
            .unit(unit("blog.service").exited(1, 60))
            .refused(10, AT);
        host.spares("app-unit-failed-exit");
    }
}
