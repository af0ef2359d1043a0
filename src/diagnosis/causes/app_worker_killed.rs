//! A worker of the application was killed while its master lives on.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Owner, SourceId},
};

use super::rule::{Rule, about_unit};

pub(super) const RULE: Rule = Rule { cause: "app-worker-killed", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .iter()
        .filter(|b| scene.failing_lately(&b.chains))
        .filter_map(|backing| {
            let unit = backing.who;
            // Gunicorn says "Perhaps out of memory?" also of the workers that it kills itself.
            let own: Vec<_> = scene.facts_of_unit(unit, &["app-request-timeout-kill"]).collect();
            let by_master = |kill: &LogFact| match kill.captures.get("pid") {
                Some(pid) => own.iter().any(|f| f.captures.get("pid").is_none_or(|p| p == pid)),
                None => !own.is_empty(),
            };
            let kills: Vec<_> = scene
                .facts_of_unit(unit, &["app-worker-killed"])
                .filter(|kill| !by_master(kill))
                .collect();
            let last = kills.last()?;
            let owner = Owner::Unit(unit.name.clone());
            if !scene.kills_of(&owner, None).is_empty() {
                return None;
            }
            let summary =
                format!("{} workers of {} were killed by SIGKILL", kills.len(), unit.name);
            let mut finding =
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(last)))
                    .since(kills.first().map(|f| f.at))
                    .check("who sent the signal? the kernel log names memory kills, nothing else");
            if scene.blind(SourceId::Kernel) {
                finding.confidence = Confidence::Possible;
                finding =
                    finding.unseen("whether the kernel killed it for memory", SourceId::Kernel);
            }
            Some(finding)
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

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";
    const KILL: &str = "[20-Nov-2026 13:59:00] WARNING: [pool www] child 15874 exited on signal 9 (SIGKILL) after 2.038258 seconds from start";

    fn fpm() -> Host {
        Host::fastcgi(AT).serves("php8.2-fpm.service", AT, 100).reset(30, AT).fpm(30, KILL)
    }

    #[test]
    fn a_killed_child_is_told_while_its_master_lives() {
        let found = fpm().root("app-worker-killed");
        assert_eq!(found.subject.unit, Some(name("php8.2-fpm.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_memory_kill_in_the_unit_is_the_better_name() {
        let host = fpm().kill("/system.slice/php8.2-fpm.service", 30, true);
        host.spares("app-worker-killed");
        host.root("oom-cgroup-unit");
    }

    #[test]
    fn a_worker_that_its_own_master_kills_for_a_timeout_was_not_killed_from_outside() {
        let at = "127.0.0.1:8000";
        let host = Host::passing_to(at)
            .serves("shop.service", at, 100)
            .closed(30, at)
            .said("shop.service", 31, "[2026-11-20 13:59:29 +0000] [20899] [CRITICAL] WORKER TIMEOUT (pid:20902)")
            .said("shop.service", 30, "[2026-11-20 13:59:30 +0000] [20899] [ERROR] Worker (pid:20902) was sent SIGKILL! Perhaps out of memory?");
        host.spares("app-worker-killed");
        host.root("app-request-timeout-kill");
    }

    #[test]
    fn a_timeout_of_another_worker_excuses_nobody() {
        let at = "127.0.0.1:8000";
        let host = Host::passing_to(at)
            .serves("shop.service", at, 100)
            .closed(30, at)
            .said("shop.service", 50, "[2026-11-20 13:59:10 +0000] [20899] [CRITICAL] WORKER TIMEOUT (pid:11111)")
            .said("shop.service", 30, "[2026-11-20 13:59:30 +0000] [20899] [ERROR] Worker (pid:20902) was sent SIGKILL! Perhaps out of memory?");
        assert!(host.causes().contains(&"app-worker-killed"), "{:?}", host.causes());
    }

    #[test]
    fn with_the_kernel_log_out_of_sight_it_is_only_possible() {
        let found = fpm().blind(SourceId::Kernel).root("app-worker-killed");
        assert_eq!(found.confidence, Confidence::Possible);
    }

    #[test]
    fn a_kill_before_the_incident_counts_for_nothing() {
        let host = Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens(AT, 100)
            .fpm(7_200, KILL)
            .reset(30, AT);
        host.spares("app-worker-killed");
    }
}
