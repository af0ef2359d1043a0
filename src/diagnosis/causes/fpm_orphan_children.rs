//! php-fpm's master is gone, its children live on and hold the socket: a new master cannot start.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, Owner, Process},
};

use super::rule::{Rule, state_words};

pub(super) const RULE: Rule = Rule { cause: "fpm-orphan-children", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let is_fpm = |p: &&Process| {
            p.name.raw().starts_with("php-fpm") || p.name.raw().starts_with("php_fpm")
        };
        if peer.processes.is_empty() || !peer.processes.iter().all(is_fpm) {
            continue;
        }
        // The master of a php-fpm that lives holds the socket as well, and has children here.
        let masterless = peer
            .processes
            .iter()
            .all(|p| p.parent == 1 && !peer.processes.iter().any(|child| child.parent == p.pid));
        let unit = peer.responsible_unit().filter(|unit| unit.name.as_str().contains("fpm"));
        let own = |p: &&Process| match (&p.owner, unit) {
            (Some(Owner::Unit(name)), Some(unit)) => *name == unit.name,
            _ => true,
        };
        let down = unit.is_none_or(|unit| !unit.is_up() || unit.main_pid.is_none());
        if !masterless || !down || !peer.processes.iter().all(own) {
            continue;
        }
        let line = unit.and_then(|unit| scene.facts_since_start(unit, &[RULE.cause]).next_back());
        let line = line.or_else(|| scene.facts(&[RULE.cause]).next_back());
        // Without a unit that is down it may be a php-fpm that was started by hand.
        let sure = match (line, unit) {
            (Some(_), _) => Confidence::Confirmed,
            (None, Some(_)) => Confidence::Likely,
            (None, None) => continue,
        };
        let summary = format!(
            "{} children of a php-fpm that is gone still hold {}: a new one cannot start",
            peer.processes.len(),
            peer.address
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .since(line.map(|l| l.at).or(scene.incident.first))
            .check("ps -o pid,ppid,lstart,cmd -C php-fpm8.2 (use your version): parents that are 1 and no master");
        for process in peer.processes.iter().take(4) {
            let what = format!(
                "{} ({}) holds {} and its parent is 1",
                process.pid, process.name, peer.address
            );
            finding = finding.with(what, Origin::Process(process.pid), process.started);
        }
        if let Some(unit) = unit {
            finding.subject.unit = Some(unit.name.clone());
            let origin = Origin::Systemd(unit.name.clone());
            finding = finding.with(state_words(unit), origin, unit.inactive_enter);
        }
        finding.subject.pid = peer.processes.first().map(|p| p.pid);
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

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";
    const FPM: &str = "php8.2-fpm.service";
    const LINE: &str = "[20-Nov-2026 13:59:00] ERROR: Another FPM instance seems to already listen on /run/php/php8.2-fpm.sock";

    fn orphans(fpm: crate::diagnosis::testing::UnitSeen) -> Host {
        Host::fastcgi(AT)
            .unit(fpm.claims(AT))
            .process(100, "php-fpm8.2", FPM)
            .process(101, "php-fpm8.2", FPM)
            .listens_with(AT, 100, |l| l.pids.push(101))
    }

    #[test]
    fn children_without_a_master_that_keep_a_new_one_out_are_named() {
        let host = orphans(unit(FPM).exited(78, 60)).fpm(60, LINE).no_such_socket(900_000, AT);
        host.incident("fpm-orphan-children", Confidence::Confirmed, r"php8\.2-fpm\.service");
    }

    #[test]
    fn a_master_that_lives_has_no_orphans() {
        let mut host = orphans(unit(FPM).with(|u| u.main_pid = Some(100))).fpm(60, LINE);
        host.processes.iter_mut().filter(|p| p.pid == 101).for_each(|p| p.parent = 100);
        host.spares("fpm-orphan-children");
    }

    #[test]
    fn another_programs_processes_are_no_children_of_php_fpm() {
        let mut host = orphans(unit(FPM).exited(78, 60)).fpm(60, LINE);
        host.processes.iter_mut().for_each(|p| p.name = "python3".into());
        host.spares("fpm-orphan-children");
    }
}
