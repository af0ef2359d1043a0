//! The master runs and no worker does: connections are accepted by the kernel and by nobody else.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Gateway, GatewayKind, Origin, SourceId},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "proxy-no-workers", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let nginx = scene.gateways().filter(|g| g.kind == GatewayKind::Nginx);
    nginx.filter_map(|gateway| of_gateway(scene, gateway)).collect()
}

fn of_gateway(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    if !gateway.running || !gateway.workers.is_empty() {
        return None;
    }
    // It is a state: the line that tells of it may be old.
    let line = scene.case.logs.facts.iter().rev().find(|fact| {
        fact.signature == RULE.cause
            && fact.gateway.as_ref() == Some(&gateway.id)
            && gateway.started.is_none_or(|started| fact.at >= started.minus_secs(1))
    });
    // `master_process off` runs without workers, and then its only process is no master.
    let is_master = gateway
        .master
        .and_then(|pid| scene.case.processes.get(&pid))
        .is_some_and(|p| p.command.raw().contains("master process"));
    let sure = match (line.is_some(), is_master) {
        (true, _) => Confidence::Confirmed,
        (false, true) => Confidence::Likely,
        (false, false) => return None,
    };
    let summary = format!(
        "{} has a master process and no worker: clients connect and get no answer",
        gateway.kind.as_str()
    );
    let mut finding = Finding::new(RULE.cause, sure, summary)
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(gateway.started))
        .check("the [emerg] line before; nginx -t; reload once it is repaired");
    if let Some(pid) = gateway.master {
        finding = finding.with(format!("process {pid} has no workers"), Origin::Process(pid), None);
    }
    if line.is_none() {
        finding =
            finding.unseen("why its workers ended: its error log has no line", SourceId::Logs);
    }
    finding.subject.gateway = Some(gateway.id.clone());
    finding.subject.unit.clone_from(&gateway.unit);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    const AT: &str = "127.0.0.1:8000";
    const GONE: &str = "worker process 11 exited with fatal code 2 and cannot be respawned";

    fn alone(line: bool, command: &str) -> Host {
        let mut host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .gateway(|g| g.workers.clear())
            .process(10, "nginx", "nginx.service");
        for process in host.processes.iter_mut().filter(|p| p.pid == 10) {
            process.command = command.into();
        }
        if line { host.nginx_line(400, GONE) } else { host }
    }

    #[test]
    fn a_master_alone_with_the_line_that_says_so_is_confirmed() {
        alone(true, "nginx: master process /usr/sbin/nginx").incident(
            "proxy-no-workers",
            Confidence::Confirmed,
            "nginx",
        );
    }

    #[test]
    fn without_the_line_it_is_likely_and_without_a_master_it_is_meant_so() {
        let host = alone(false, "nginx: master process /usr/sbin/nginx");
        assert_eq!(host.root("proxy-no-workers").confidence, Confidence::Likely);
        alone(false, "/usr/sbin/nginx").spares("proxy-no-workers");
    }

    #[test]
    fn a_worker_that_was_replaced_is_there() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx_line(400, GONE)
            .spares("proxy-no-workers");
    }
}
