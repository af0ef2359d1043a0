//! The gateway has no file descriptor left: it cannot connect, or not even accept.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Gateway, Origin, ProcessLimits},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "proxy-fd-limit", judge };

/// The errno of "Too many open files".
const EMFILE: i32 = 24;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene.gateways().filter_map(|gateway| of_gateway(scene, gateway)).collect()
}

fn of_gateway(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    // At its start nginx warns of a limit that it may reach; that is no failure.
    let refused: Vec<&LogFact> = scene
        .facts(&[RULE.cause])
        .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id) && fact.errno == Some(EMFILE))
        .collect();
    let fullest = fullest(scene, gateway);
    let full = fullest.is_some_and(|l| l.open_files.is_some_and(|open| open >= l.max_open_files));
    let (confidence, summary) = match (refused.as_slice(), full) {
        ([], false) => return None,
        ([], true) => (Confidence::Likely, "a worker has all its file descriptors open".to_owned()),
        (lines, _) => {
            (Confidence::Confirmed, format!("it ran out of file descriptors {} times", lines.len()))
        }
    };
    let suffer = |index: &usize| {
        scene.chains.get(*index).is_some_and(|chain| {
            refused.iter().any(|f| f.address.as_ref().is_some_and(|a| chain.has_address(a)))
        })
    };
    let chains: Vec<usize> = (0..scene.chains.len()).filter(suffer).collect();
    let mut subject = scene.subject(&chains);
    subject.gateway = Some(gateway.id.clone());
    subject.unit.clone_from(&gateway.unit);
    let mut finding =
        Finding::new(RULE.cause, confidence, format!("{}: {summary}", gateway.kind.as_str()))
            .about(subject)
            .with_some(refused.last().map(|fact| Scene::quote(fact)))
            .since(refused.first().map(|fact| fact.at))
            .check("raise worker_rlimit_nofile (or LimitNOFILE= of the unit) and reload");
    if let Some(limits) = fullest {
        let open = limits.open_files.map_or_else(String::new, |open| format!("{open} of "));
        finding = finding.with(
            format!("worker {} has {open}{} files open", limits.pid, limits.max_open_files),
            Origin::Process(limits.pid),
            None,
        );
    }
    if let Some(last) = refused.last() {
        finding.current = full || still_current(scene, gateway.loaded, last.at);
    }
    Some(finding)
}

/// The worker that is nearest to its limit.
fn fullest<'a>(scene: &Scene<'a>, gateway: &Gateway) -> Option<&'a ProcessLimits> {
    let limits = gateway.workers.iter().filter_map(|pid| scene.case.limits.get(pid));
    limits.min_by_key(|l| l.max_open_files.saturating_sub(l.open_files.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, ago, gateway_id},
        },
        observation::{ProcessLimits, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";
    const CONNECT: &str = "socket() failed (24: Too many open files) while connecting to upstream";

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100).process(11, "nginx", "nginx.service")
    }

    fn worker(open: u64) -> Seen {
        Seen::Limits(ProcessLimits { pid: 11, open_files: Some(open), max_open_files: 1024 })
    }

    #[test]
    fn a_connect_without_a_descriptor_is_the_gateways_own_trouble() {
        let host = shop()
            .nginx(10, CONNECT, AT)
            .nginx_line(9, "accept4() failed (24: Too many open files)")
            .answered(10, 500, Some("-"))
            .sees(SourceId::Processes, worker(1024));
        let found = host.root("proxy-fd-limit");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.subject.gateway, Some(gateway_id()));
        assert_eq!(found.subject.upstreams.len(), 1);
        assert!(found.evidence.iter().any(|e| e.what.contains("1024 of 1024")), "{found:#?}");
        let diagnosis = host.diagnose();
        assert_eq!(diagnosis.findings.len(), 1, "{:#?}", diagnosis.findings);
        assert_eq!(diagnosis.status, Status::Failing);
    }

    #[test]
    fn a_warning_at_the_start_is_not_a_failure() {
        let host = shop()
            .nginx_line(10, "1024 worker_connections exceed open file resource limit: 512")
            .traffic(5, 200, 9);
        host.spares("proxy-fd-limit");
        assert_eq!(host.diagnose().status, Status::Healthy);
    }

    #[test]
    fn a_worker_at_its_limit_is_likely_without_a_line() {
        let host = shop().sees(SourceId::Processes, worker(1024)).blind(SourceId::Logs);
        assert_eq!(host.root("proxy-fd-limit").confidence, Confidence::Likely);
        shop().sees(SourceId::Processes, worker(1000)).spares("proxy-fd-limit");
    }

    #[test]
    fn a_reload_with_a_higher_limit_ends_it() {
        let host = shop().nginx(60, CONNECT, AT).gateway(|g| g.loaded = Some(ago(30)));
        assert!(host.diagnose().recovered.iter().any(|f| f.cause == "proxy-fd-limit"));
        assert!(host.diagnose().findings.is_empty());
    }

    #[test]
    fn an_application_without_descriptors_is_another_matter() {
        shop().reset(10, AT).spares("proxy-fd-limit");
    }
}
