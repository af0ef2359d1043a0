//! Requests that an application loses by an error of its own, while the rest of it goes on: a
//! worker that ends, an exception that nobody catches, an answer without a byte.

use crate::{
    diagnosis::{Confidence, Finding, Scene, words::CauseText},
    evidence::LogFact,
};

use super::{
    by_upstream_line::still_current,
    rule::{about_container, about_unit},
};

/// One such cause.
struct Row {
    /// Cause, which is also the id of the application's lines.
    cause: &'static str,
    /// What happens, after the name of the unit or container.
    says: &'static str,
    /// What the gateway sees of it.
    symptoms: &'static [&'static str],
}

/// A connection that ends before an answer.
const CUT: &[&str] =
    &["sym-closed-before-header", "sym-reset-before-header", "sym-reset-while-sending"];
/// The same, and nobody who listens until it is up again.
const DOWN: &[&str] = &[
    "sym-closed-before-header",
    "sym-reset-before-header",
    "sym-reset-while-sending",
    "sym-tcp-refused",
    "sym-unix-missing",
    "sym-unix-refused",
    "sym-connect-failed",
];

static ROWS: [Row; 3] = [
    Row {
        cause: "app-worker-exit",
        says: "lost a worker: it ended by itself with an error",
        symptoms: CUT,
    },
    Row {
        cause: "app-uncaught-exception",
        says: "ended on an error that its code does not catch",
        symptoms: DOWN,
    },
    Row {
        cause: "app-exception-no-response",
        says: "fails in its own code and closes without an answer",
        symptoms: CUT,
    },
];

/// Ids of these causes.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.cause)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    ROWS.iter()
        .flat_map(|row| on_units(scene, row).into_iter().chain(on_containers(scene, row)))
        .collect()
}

/// Whether one of the symptoms stands in the gateway's log within seconds of an application's line.
fn together(scene: &Scene<'_>, chains: &[usize], row: &Row, fact: &LogFact) -> bool {
    chains.iter().filter_map(|i| scene.chains.get(*i)).any(|chain| {
        let near =
            |line: &LogFact| line.at >= fact.at.minus_secs(3) && line.at <= fact.at.plus_secs(5);
        scene.facts_on(chain, row.symptoms).any(near)
    })
}

fn on_units(scene: &Scene<'_>, row: &Row) -> Vec<Finding> {
    let ids = [row.cause];
    let mut found = Vec::new();
    for backing in scene.units() {
        let facts: Vec<&LogFact> =
            scene.facts_of_unit(backing.who, &ids).filter(|f| f.gateway.is_none()).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        // A worker's or a process's end that hurt no request is no incident.
        let hurts = facts.iter().any(|fact| together(scene, &backing.chains, row, fact));
        if !hurts && !backing.missing {
            continue;
        }
        let sure = if hurts { Confidence::Confirmed } else { Confidence::Likely };
        let summary = format!("{} {} ({} times)", backing.who.name, row.says, facts.len());
        let mut finding = about_unit(scene, backing, row.cause, sure, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.current = backing.missing || still_current(scene, None, last.at);
        finding.next_check = CauseText::get(row.cause).map(|text| text.next_check.clone());
        found.push(finding);
    }
    found
}

fn on_containers(scene: &Scene<'_>, row: &Row) -> Vec<Finding> {
    let ids = [row.cause];
    let mut found = Vec::new();
    for backing in scene.containers() {
        let facts: Vec<&LogFact> = scene.facts_of_container(backing.who, &ids).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let hurts = facts.iter().any(|fact| together(scene, &backing.chains, row, fact));
        if !hurts && !backing.missing {
            continue;
        }
        let sure = if hurts { Confidence::Confirmed } else { Confidence::Likely };
        let summary =
            format!("container {} {} ({} times)", backing.who.name, row.says, facts.len());
        let mut finding = about_container(scene, backing, row.cause, sure, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.current = backing.missing || still_current(scene, None, last.at);
        finding.next_check = CauseText::get(row.cause).map(|text| text.next_check.clone());
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const AT: &str = "127.0.0.1:8000";
    const SHOP: &str = "shop.service";
    const NODE: &str = "Node.js v20.11.0";
    const EMPTY: &str = "[pid: 22590|app: 0|req: 1/1] 127.0.0.1 () {34 vars in 400 bytes} [Fri Nov 20 13:59:50 2026] GET /cart => generated 0 bytes in 1 msecs (HTTP/1.1 500) 0 headers in 0 bytes (0 switches on core 0)";

    fn host() -> Host {
        Host::passing_to(AT).serves(SHOP, AT, 100)
    }

    #[test]
    fn an_exception_that_nobody_catches_takes_its_requests_along() {
        let restarted = Host::passing_to(AT)
            .unit(unit(SHOP).claims(AT).up_since(9).restarts(1, "always"))
            .process_since(100, "node", SHOP, 9)
            .listens(AT, 100);
        let host = restarted.said(SHOP, 10, NODE).closed(10, AT).refused(9, AT);
        host.incident("app-uncaught-exception", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn an_error_that_hurt_no_request_is_no_incident() {
        host().said(SHOP, 10, NODE).traffic(1, 200, 10).spares("app-uncaught-exception");
        host().said(SHOP, 300, NODE).closed(10, AT).spares("app-uncaught-exception");
    }

    #[test]
    fn an_error_of_another_application_is_not_blamed() {
        host()
            .serves("blog.service", "127.0.0.1:8001", 200)
            .said("blog.service", 10, NODE)
            .closed(10, AT)
            .spares("app-uncaught-exception");
    }

    #[test]
    fn a_request_without_an_answer_is_the_applications_own_error() {
        let host = host().said(SHOP, 10, EMPTY).closed(10, AT);
        host.incident("app-exception-no-response", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn a_worker_that_ends_with_an_error_cuts_its_requests() {
        let at = "unix:/run/php/php8.2-fpm.sock";
        let host = Host::fastcgi(at)
            .serves("php8.2-fpm.service", at, 100)
            .fpm(10, "[20-Nov-2026 13:59:50] WARNING: [pool www] child 42 exited with code 255 after 12.2 seconds from start")
            .reset(10, at);
        host.incident("app-worker-exit", Confidence::Confirmed, r"php8\.2-fpm\.service");
    }
}
