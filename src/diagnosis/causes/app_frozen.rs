//! What accepts connections for the upstream does not run: stopped by a signal, frozen by systemd, or
//! stuck in a device that does not answer.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin, RunState},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "app-frozen", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    const WAITS: [&str; 3] = ["proxy-read-timeout", "sym-connect-timeout", "tls-handshake-timeout"];
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        if peer.container.is_some_and(|c| c.state == ContainerState::Paused) {
            continue;
        }
        let frozen = peer.unit.filter(|unit| unit.frozen);
        let all = |state: RunState| {
            !peer.processes.is_empty() && peer.processes.iter().all(|p| p.state == state)
        };
        let stopped = all(RunState::Stopped);
        let line = scene.facts_on(chain, &WAITS).next_back();
        // A moment in a device is normal; with requests that wait in vain it is not.
        let stuck = all(RunState::Uninterruptible) && line.is_some();
        let (sure, how) = match (frozen, stopped, stuck) {
            (Some(_), _, _) => (Confidence::Confirmed, "is frozen (systemctl freeze)"),
            (None, true, _) => (Confidence::Confirmed, "is stopped by a signal (state T)"),
            (None, false, true) => (Confidence::Likely, "is stuck in the kernel (state D)"),
            _ => continue,
        };
        let Some(process) = peer.processes.first() else { continue };
        let who = peer.unit.map_or_else(
            || format!("process {} ({})", process.pid, process.name),
            |unit| unit.name.to_string(),
        );
        let mut finding = Finding::new(
            RULE.cause,
            sure,
            format!("{who} {how}: it accepts connections and answers none"),
        )
        .about(scene.subject_of(chain))
        .with_some(line.map(Scene::quote))
        .since(line.map(|l| l.at).or(scene.incident.first))
        .check(format!("grep State /proc/{}/status; cat /proc/{0}/wchan", process.pid));
        finding.subject.pid = Some(process.pid);
        for process in peer.processes.iter().take(3) {
            let what = format!("{} ({}): {}", process.pid, process.name, words(process.state));
            finding = finding.with(what, Origin::Process(process.pid), None);
        }
        if let Some(unit) = frozen {
            let origin = Origin::Systemd(unit.name.clone());
            finding = finding.with("FreezerState=frozen", origin, None);
        }
        found.push(finding);
    }
    found
}

const fn words(state: RunState) -> &'static str {
    match state {
        RunState::Normal => "runs or sleeps",
        RunState::Uninterruptible => "waits for a device and cannot be interrupted",
        RunState::Stopped => "stopped",
        RunState::Dead => "dead",
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, unit},
        },
        observation::{ContainerState, ProbeOutcome, RunState},
    };

    const AT: &str = "127.0.0.1:8000";
    const WAITED: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn host(state: RunState) -> Host {
        let mut host = Host::passing_to(AT).serves("shop.service", AT, 100);
        for process in &mut host.processes {
            process.state = state;
        }
        host.probe(AT, ProbeOutcome::Connected)
    }

    #[test]
    fn a_stopped_process_accepts_and_never_answers() {
        let host = host(RunState::Stopped).nginx(10, WAITED, AT);
        host.incident("app-frozen", Confidence::Confirmed, r"shop\.service");
        assert!(host.root("app-frozen").explains.contains(&"proxy-read-timeout"));
    }

    #[test]
    fn a_frozen_unit_is_told_as_such() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).with(|u| u.frozen = true))
            .process(100, "app", "shop.service")
            .listens(AT, 100)
            .nginx(10, WAITED, AT);
        assert!(host.root("app-frozen").summary.contains("systemctl freeze"));
    }

    #[test]
    fn a_moment_in_a_device_is_normal_until_requests_wait_in_vain() {
        host(RunState::Uninterruptible).traffic(1, 200, 9).spares("app-frozen");
        let found = host(RunState::Uninterruptible).nginx(10, WAITED, AT).root("app-frozen");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn a_slow_application_is_not_frozen() {
        host(RunState::Normal).nginx(10, WAITED, AT).spares("app-frozen");
    }

    #[test]
    fn one_stopped_worker_of_several_leaves_the_others_to_answer() {
        let mut host = host(RunState::Stopped).process(101, "app", "shop.service");
        host.table.listeners.iter_mut().filter(|l| l.pids == [100]).for_each(|l| l.pids.push(101));
        host.nginx(10, WAITED, AT).spares("app-frozen");
    }

    #[test]
    fn a_paused_container_is_a_cause_of_its_own() {
        let paused =
            container("shop").publishes(8000, 80).with(|c| c.state = ContainerState::Paused);
        Host::passing_to(AT)
            .container(paused)
            .listens(AT, 0)
            .nginx(10, WAITED, AT)
            .spares("app-frozen");
    }
}
