//! What a reload or a stop does to requests under way, and what a reload does not do.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    evidence::LogFact,
    observation::{Access, Origin, Unit, UnitActive, UnitExit, Wall},
};

use super::{
    rule::{Rule, about_unit},
    unix_socket::is_gone,
};

pub(super) const DROPS: Rule = Rule { cause: "reload-drops-requests", judge: drops };
pub(super) const KILLS: Rule = Rule { cause: "reload-kills-fpm", judge: kills };
pub(super) const SOCKET: Rule = Rule { cause: "reload-does-not-recreate-socket", judge: socket };
pub(super) const STOP: Rule = Rule { cause: "stop-without-drain", judge: stop };

/// What a gateway sees of a request that is cut off.
const CUT: [&str; 3] =
    ["sym-closed-before-header", "sym-reset-before-header", "sym-reset-while-sending"];
/// php-fpm's own word that it reloads.
const RELOAD: [&str; 1] = ["fpm-reload"];
/// A burst that is over for so many seconds hurts nobody any more.
const OVER_SECS: i64 = 60;

/// Lines about cut requests of a unit's upstreams between two moments.
fn cut<'a>(
    scene: &Scene<'a>,
    backing: &Backing<'_, Unit>,
    from: Wall,
    to: Wall,
) -> Vec<&'a LogFact> {
    let chains = backing.chains.iter().filter_map(|i| scene.chains.get(*i));
    let lines = chains.flat_map(|chain| scene.facts_on(chain, &CUT).collect::<Vec<_>>());
    lines.filter(|f| f.at >= from && f.at <= to).collect()
}

fn drops(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units().iter().filter(|b| b.who.is_up()) {
        let unit = backing.who;
        let mut hurt: Vec<(&LogFact, Vec<&LogFact>)> = Vec::new();
        for reload in scene.facts_of_unit(unit, &RELOAD) {
            // Stamps are cut to whole seconds on both sides.
            let lost = cut(scene, backing, reload.at.minus_secs(1), reload.at.plus_secs(3));
            if !lost.is_empty() {
                hurt.push((reload, lost));
            }
        }
        let (Some((first, _)), Some((newest, cut_by_it))) = (hurt.first(), hurt.last()) else {
            continue;
        };
        let requests: usize = hurt.iter().map(|(_, cut)| cut.len()).sum();
        let summary =
            format!("a reload of {} cut {requests} requests that were under way", unit.name);
        let mut finding = about_unit(scene, backing, DROPS.cause, Confidence::Confirmed, summary)
            .with_some(Some(Scene::quote(newest)))
            .with_some(cut_by_it.first().map(|line| Scene::quote(line)))
            .since(Some(first.at))
            .check("grep -rn process_control_timeout in php-fpm's configuration; who reloads it, and when?");
        if let Some(pool) = unit.pools.first().filter(|pool| pool.control_timeout_ms == 0) {
            let what = "process_control_timeout is 0: a reload waits for nobody";
            finding = finding.with(what, Origin::Config(pool.place.clone()), None);
        }
        finding.current = hurt.len() > 1 || scene.now().since(newest.at).as_secs() <= OVER_SECS;
        found.push(finding);
    }
    found
}

fn kills(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units().iter().filter(|b| b.missing && !b.who.is_up()) {
        let unit = backing.who;
        let invalid = unit.exit == UnitExit::Exited(78);
        let Some(ended) = unit.exec_exit.or(unit.inactive_enter).filter(|_| invalid) else {
            continue;
        };
        let reload = scene
            .facts_since_start(unit, &RELOAD)
            .rfind(|f| f.at <= ended.plus_secs(1) && f.at >= ended.minus_secs(30));
        let Some(reload) = reload else { continue };
        let summary =
            format!("{} ended at a reload: it read a configuration that it refuses", unit.name);
        found.push(
            about_unit(scene, backing, KILLS.cause, Confidence::Confirmed, summary)
                .with_some(Some(Scene::quote(reload)))
                .since(Some(reload.at))
                .check("php-fpm -t names the line; test before each reload"),
        );
    }
    found
}

fn socket(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units().iter().filter(|b| b.who.is_up()) {
        let unit = backing.who;
        let Some(reload) = scene.facts_of_unit(unit, &RELOAD).next_back() else { continue };
        let wrong = backing.chains.iter().filter_map(|i| scene.chains.get(*i)).find_map(|chain| {
            let socket = chain.peers.iter().find_map(|peer| peer.socket)?;
            let bad = is_gone(socket) || socket.access == Access::SocketDenied;
            // It was so before the reload, and is so after it.
            let before = scene
                .facts_on(chain, &["sym-unix-missing", "sym-unix-eacces"])
                .any(|f| f.at <= reload.at);
            (bad && before).then_some(socket)
        });
        let Some(socket) = wrong else { continue };
        let state = if is_gone(socket) {
            "is still not there"
        } else {
            "still has the wrong owner or mode"
        };
        let summary = format!(
            "{} {state} after a reload of {}: only a restart makes it anew",
            socket.path, unit.name
        );
        let mut finding = about_unit(scene, backing, SOCKET.cause, Confidence::Confirmed, summary)
            .with_some(Some(Scene::quote(reload)))
            .since(Some(reload.at))
            .check(format!("systemctl restart {}", unit.name));
        finding.subject.path = Some(socket.path.clone());
        found.push(finding);
    }
    found
}

fn stop(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        let unit = backing.who;
        // Ended by systemd or a person, not by itself.
        let clean = unit.restarts == 0
            && matches!(unit.exit, UnitExit::None | UnitExit::Exited(0) | UnitExit::Killed(15))
            && unit.active != UnitActive::Failed;
        let Some(left) = unit.active_exit.filter(|_| clean) else { continue };
        // `active` is left when the stop begins; what is under way ends with the process.
        let ended = unit.inactive_enter.or(unit.exec_exit).unwrap_or(left).max(left);
        let lost = cut(scene, backing, left.minus_secs(1), ended.plus_secs(1));
        let Some(newest) = lost.last() else { continue };
        let summary =
            format!("stopping {} cut {} requests that were under way", unit.name, lost.len());
        let mut finding = about_unit(scene, backing, STOP.cause, Confidence::Likely, summary)
            .with_some(Some(Scene::quote(newest)))
            .with(
                format!("{} began to stop", unit.name),
                Origin::Systemd(unit.name.clone()),
                Some(left),
            )
            .since(Some(left))
            .check("does it finish its requests on SIGTERM? is TimeoutStopSec= long enough?");
        finding.current = scene.now().since(newest.at).as_secs() <= OVER_SECS;
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, UnitSeen, ago, unit},
        },
        observation::{Access, SocketFileKind},
    };

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";
    const PATH: &str = "/run/php/php8.2-fpm.sock";
    const FPM: &str = "php8.2-fpm.service";
    const RELOAD: &str = "[20-Nov-2026 13:59:50] NOTICE: Reloading in progress ...";

    fn fpm() -> UnitSeen {
        unit(FPM).claims(AT)
    }

    fn up() -> Host {
        Host::fastcgi(AT).unit(fpm()).process(100, "php-fpm8.2", FPM).listens(AT, 100)
    }

    #[test]
    fn requests_that_end_with_a_reload_were_cut_by_it() {
        let host = up().fpm(10, RELOAD).reset(10, AT).reset(9, AT);
        host.incident("reload-drops-requests", Confidence::Confirmed, r"php8\.2-fpm\.service");
        assert!(host.root("reload-drops-requests").summary.contains("cut 2 requests"));
    }

    #[test]
    fn a_reload_beside_requests_that_fail_minutes_later_cut_none() {
        up().fpm(200, RELOAD).reset(10, AT).spares("reload-drops-requests");
        up().fpm(10, RELOAD).traffic(1, 200, 10).spares("reload-drops-requests");
    }

    #[test]
    fn a_reload_that_read_a_broken_file_ends_php_fpm() {
        let host = Host::fastcgi(AT)
            .unit(fpm().exited(78, 60))
            .fpm(61, &RELOAD.replace("13:59:50", "13:58:59"))
            .fpm(60, "[20-Nov-2026 13:59:00] ERROR: [/etc/php/8.2/fpm/pool.d/www.conf:12] unknown entry 'garbage'")
            .no_such_socket(10, AT);
        host.incident_of(
            "reload-kills-fpm",
            "app-config-invalid",
            Confidence::Confirmed,
            r"php8\.2-fpm\.service",
        );
        assert!(host.root("app-config-invalid").explains.contains(&"reload-kills-fpm"));
        let at_start = Host::fastcgi(AT).unit(fpm().exited(78, 60)).no_such_socket(10, AT);
        at_start.spares("reload-kills-fpm");
    }

    #[test]
    fn a_reload_does_not_bring_a_socket_back() {
        let host = up()
            .socket(PATH, SocketFileKind::Missing, |_| {})
            .no_such_socket(60, AT)
            .fpm(30, RELOAD)
            .no_such_socket(10, AT);
        host.incident_of(
            "reload-does-not-recreate-socket",
            "unix-socket-unlinked",
            Confidence::Confirmed,
            r"php8\.2-fpm\.service",
        );
        assert!(
            host.root("unix-socket-unlinked").explains.contains(&"reload-does-not-recreate-socket")
        );
        let denied = up()
            .socket(PATH, SocketFileKind::Socket, |s| s.access = Access::SocketDenied)
            .nginx(60, "connect() to unix:/run/php/php8.2-fpm.sock failed (13: Permission denied) while connecting to upstream", AT)
            .fpm(30, RELOAD);
        assert!(
            denied
                .root("unix-socket-permission")
                .explains
                .contains(&"reload-does-not-recreate-socket")
        );
    }

    #[test]
    fn requests_under_way_when_a_unit_is_stopped_are_cut() {
        let tcp = "127.0.0.1:8000";
        let stopped = unit("shop.service").claims(tcp).up_since(9_000).stopped(10);
        let host = Host::passing_to(tcp).unit(stopped).closed(10, tcp).refused(8, tcp);
        host.incident_of(
            "stop-without-drain",
            "app-unit-stopped",
            Confidence::Confirmed,
            r"shop\.service",
        );
        assert!(host.root("app-unit-stopped").explains.contains(&"stop-without-drain"));
    }

    #[test]
    fn a_restart_by_hand_that_cut_requests_is_told_for_a_minute() {
        let tcp = "127.0.0.1:8000";
        let again = |secs: i64| {
            let restarted = unit("shop.service").claims(tcp).up_since(secs - 2).with(|u| {
                u.active_exit = Some(ago(secs));
                u.inactive_enter = Some(ago(secs - 1));
            });
            let host = Host::passing_to(tcp).unit(restarted).process_since(
                100,
                "app",
                "shop.service",
                secs - 2,
            );
            host.listens(tcp, 100).closed(secs, tcp)
        };
        assert!(again(20).causes().contains(&"stop-without-drain"));
        let over = again(200).diagnose();
        assert!(over.findings.iter().all(|f| f.cause != "stop-without-drain"));
    }

    #[test]
    fn a_crash_is_no_stop() {
        let tcp = "127.0.0.1:8000";
        let crashed = unit("shop.service").claims(tcp).up_since(9_000).killed(11, 10);
        Host::passing_to(tcp).unit(crashed).closed(10, tcp).spares("stop-without-drain");
    }
}
