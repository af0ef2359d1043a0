//! The application answers 500 itself: an error in its own code, which it caught and logged.

use crate::{
    diagnosis::{Confidence, Finding, Scene, words::CauseText},
    evidence::LogFact,
};

use super::{
    by_upstream_line::still_current,
    rule::{Rule, about_unit},
};

pub(super) const RULE: Rule = Rule { cause: "app-exception-500", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let ids = [RULE.cause];
    let mut found = Vec::new();
    for backing in scene.units().iter().filter(|backing| !backing.missing) {
        let facts: Vec<&LogFact> =
            scene.facts_of_unit(backing.who, &ids).filter(|f| f.gateway.is_none()).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        // The gateway passed a 500 on that the upstream sent, at the time of one of the lines.
        let passed = scene.case.access.entries.iter().any(|entry| {
            let sent = entry.upstream_status.as_ref().is_some_and(|s| s.raw().trim() == "500");
            entry.status == 500
                && sent
                && facts.iter().any(|f| (f.at.0 - entry.at.0).abs() <= 5_000_000)
        });
        if !passed {
            continue;
        }
        let summary = format!(
            "{} answers 500: an error in its own code ({} times)",
            backing.who.name,
            facts.len()
        );
        let mut finding = about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.current = still_current(scene, None, last.at);
        finding.next_check = CauseText::get(RULE.cause).map(|text| text.next_check.clone());
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, access_log},
    };

    const AT: &str = "127.0.0.1:8000";
    const LINE: &str = "[2026-11-20 13:59:50 +0000] [42] [ERROR] Error handling request /cart";

    fn host() -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .config(|c| c.logs.push(access_log()))
            .said("shop.service", 10, LINE)
    }

    #[test]
    fn a_500_that_the_application_sent_and_logged_is_its_own() {
        let host = host().answered(10, 500, Some("500"));
        host.incident("app-exception-500", Confidence::Confirmed, r"shop\.service");
        assert!(host.root("app-exception-500").explains.contains(&"upstream-sent-5xx"));
    }

    #[test]
    fn a_502_of_the_gateway_is_no_exception_of_the_application() {
        host().answered(10, 502, Some("502")).closed(10, AT).spares("app-exception-500");
    }

    #[test]
    fn an_exception_minutes_before_did_not_answer_this_request() {
        host().answered(300, 500, Some("500")).spares("app-exception-500");
    }
}
