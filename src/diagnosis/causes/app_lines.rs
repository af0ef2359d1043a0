//! Causes that the application's own words prove, one row each: those of the unit or container
//! behind an upstream, while requests to it fail.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene, words::CauseText},
    evidence::LogFact,
};

use super::{
    by_signature::fails_with,
    rule::{about_container, about_unit},
};

/// One such cause.
struct Row {
    /// Cause, which is also the id of its lines.
    cause: &'static str,
    /// What happens, after the name of the unit or container.
    says: &'static str,
}

const fn row(cause: &'static str, says: &'static str) -> Row {
    Row { cause, says }
}

static ROWS: [Row; 9] = [
    row("app-backlog-full", "says that its own queue is full: its workers do not keep up"),
    row("app-request-timeout-kill", "kills its own workers when a request takes too long"),
    row("app-stop-sigkill", "did not end when told to and was killed with its open requests"),
    row("node-heap-oom", "ran into Node's own heap limit and aborted"),
    row("oom-systemd-oomd", "was killed by systemd-oomd, which saw the host short of memory"),
    row("php-max-execution-time", "runs PHP scripts into max_execution_time"),
    row("php-memory-limit", "runs PHP scripts into memory_limit"),
    row("protocol-uwsgi-to-http", "is asked in HTTP on a port that speaks the uwsgi protocol"),
    row("request-header-too-big-for-app", "refuses requests whose headers exceed its buffer"),
];

/// Ids of these causes.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.cause)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    ROWS.iter()
        .flat_map(|row| {
            let mut found = on_units(scene, row);
            found.extend(on_containers(scene, row));
            found
        })
        .collect()
}

/// Whether the gateway repeats these words about the same upstream: then they are told there.
fn is_told_by_gateway(scene: &Scene<'_>, chains: &[usize], cause: &str) -> bool {
    let mut chains = chains.iter().filter_map(|index| scene.chains.get(*index));
    chains.any(|chain| scene.facts_on(chain, &[cause]).next().is_some())
}

fn on_units(scene: &Scene<'_>, row: &Row) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        let suffers = backing.missing || scene.failing_lately(&backing.chains);
        if !suffers || is_told_by_gateway(scene, &backing.chains, row.cause) {
            continue;
        }
        let ids = [row.cause];
        let facts: Vec<&LogFact> =
            scene.facts_of_unit(backing.who, &ids).filter(|f| f.gateway.is_none()).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let proven =
            backing.missing || facts.iter().any(|f| fails_with(scene, &backing.chains, f.at));
        let sure = if proven { Confidence::Confirmed } else { Confidence::Likely };
        let summary = format!("{} {} ({} times)", backing.who.name, row.says, facts.len());
        let mut finding = about_unit(scene, backing, row.cause, sure, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.next_check = check(row);
        finding.evidence.extend(asked(scene, &backing.chains, row));
        found.push(finding);
    }
    found
}

/// Where the gateway is told what to speak, when that is at fault.
fn asked(scene: &Scene<'_>, chains: &[usize], row: &Row) -> Option<Evidence> {
    let first = chains.first().filter(|_| row.cause.starts_with("protocol-"))?;
    scene.chains.get(*first).map(super::gateway_lines::asked_here)
}

fn on_containers(scene: &Scene<'_>, row: &Row) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.containers() {
        let suffers = backing.missing || scene.failing_lately(&backing.chains);
        if !suffers || is_told_by_gateway(scene, &backing.chains, row.cause) {
            continue;
        }
        let ids = [row.cause];
        let facts: Vec<&LogFact> = scene.facts_of_container(backing.who, &ids).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let proven =
            backing.missing || facts.iter().any(|f| fails_with(scene, &backing.chains, f.at));
        let sure = if proven { Confidence::Confirmed } else { Confidence::Likely };
        let summary =
            format!("container {} {} ({} times)", backing.who.name, row.says, facts.len());
        let mut finding = about_container(scene, backing, row.cause, sure, summary)
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.next_check = check(row);
        finding.evidence.extend(asked(scene, &backing.chains, row));
        found.push(finding);
    }
    found
}

fn check(row: &Row) -> Option<String> {
    CauseText::get(row.cause).map(|text| text.next_check.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container, container_id, name, unit},
        observation::{Origin, Program},
    };

    const AT: &str = "127.0.0.1:8000";
    const TIMEOUT: &str = "[2026-11-20 13:59:50 +0000] [100] [CRITICAL] WORKER TIMEOUT (pid:101)";
    const KILLED: &str = "[2026-11-20 13:59:51 +0000] [100] [ERROR] Worker (pid:101) was sent SIGKILL! Perhaps out of memory?";

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    #[test]
    fn a_worker_that_its_own_master_killed_is_not_out_of_memory() {
        let host =
            shop().said("shop.service", 10, TIMEOUT).said("shop.service", 9, KILLED).closed(9, AT);
        let found = host.root("app-request-timeout-kill");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        host.incident("app-request-timeout-kill", Confidence::Confirmed, r"shop\.service");
        host.spares("app-worker-killed");
        host.spares("oom-cgroup-unit");
    }

    #[test]
    fn the_same_words_of_a_unit_that_answers_well_are_nobodys_trouble() {
        shop().said("shop.service", 10, TIMEOUT).spares("app-request-timeout-kill");
    }

    #[test]
    fn words_in_a_containers_log_count_as_those_of_a_unit() {
        let origin = Origin::ContainerLog(container_id('c'));
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80))
            .listens(AT, 0)
            .line(Program::Application, origin, 9, TIMEOUT)
            .closed(9, AT);
        let found = host.root("app-request-timeout-kill");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
    }

    #[test]
    fn node_that_ran_into_its_heap_limit_is_no_mere_crash() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(6, 40))
            .said(
                "shop.service",
                41,
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            )
            .refused(10, AT);
        let found = host.root("node-heap-oom");
        assert!(found.explains.contains(&"app-crash-signal"), "{found:#?}");
        host.spares("oom-global");
        host.incident("node-heap-oom", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn a_service_killed_by_oomd_is_told_from_one_killed_by_the_kernel() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(9, 40))
            .systemd("shop.service", 41, "systemd-oomd killed 3 process(es) in this unit.")
            .refused(10, AT);
        host.incident("oom-systemd-oomd", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn a_service_that_did_not_end_when_told_to_was_killed_for_it_and_not_for_memory() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(9, 40))
            .systemd("shop.service", 41, "State 'stop-sigterm' timed out. Killing.")
            .closed(41, AT)
            .refused(10, AT);
        assert!(host.root("app-stop-sigkill").explains.contains(&"app-killed-not-restarted"));
        host.spares("oom-cgroup-unit");
        host.incident("app-stop-sigkill", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn a_full_queue_is_told_in_the_applications_own_words() {
        let words =
            r#"*** uWSGI listen queue of socket "127.0.0.1:8000" (fd: 3) full !!! (101/100) ***"#;
        let late = "upstream timed out (110: Connection timed out) while connecting to upstream";
        let host = shop().said("shop.service", 10, words).nginx(10, late, AT);
        host.incident("app-backlog-full", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn http_on_a_uwsgi_port_is_told_from_headers_that_are_too_long() {
        let host = shop().reset(10, AT);
        let method = "invalid request block size: 21573 (max 4096)...skip";
        let long = "invalid request block size: 9000 (max 4096)...skip";
        let (method, long) =
            (host.clone().said("shop.service", 10, method), host.said("shop.service", 10, long));
        method.incident("protocol-uwsgi-to-http", Confidence::Confirmed, r"shop\.service");
        long.incident("request-header-too-big-for-app", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn what_nginx_repeats_is_told_once() {
        let host = Host::fastcgi("127.0.0.1:9000")
            .serves("php8.2-fpm.service", "127.0.0.1:9000", 100)
            .nginx(10, r#"FastCGI sent in stderr: "PHP message: PHP Fatal error:  Allowed memory size of 2097152 bytes exhausted in /srv/x.php" while reading response header from upstream"#, "127.0.0.1:9000")
            .fpm(10, "[20-Nov-2026 13:59:50] WARNING: [pool www] child 7 said into stderr: \"PHP Fatal error:  Allowed memory size of 2097152 bytes exhausted\"");
        let all = host.diagnose().findings;
        assert_eq!(all.iter().filter(|f| f.cause == "php-memory-limit").count(), 1, "{all:#?}");
    }
}
