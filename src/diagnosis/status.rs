//! The present, in one word.

use std::collections::BTreeMap;

use crate::{
    evidence::topology::{Chain, Peer, PeerState},
    observation::{Address, GatewayId, ProbeOutcome, Wall},
};

use super::{
    Confidence, Finding, Scene,
    scene::counts,
    sight::{sees_every_request, watches},
};

/// The present state of the gateways of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Requests succeed.
    Healthy,
    /// Something is wrong and requests still succeed.
    Degraded,
    /// Requests fail.
    Failing,
    /// It cannot be told.
    #[default]
    Unknown,
}

impl Status {
    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
        }
    }

    /// The exit code that monitoring plugins use for it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Failing => 2,
            Self::Unknown => 3,
        }
    }
}

/// A failure share below this still counts as "requests succeed".
const DEGRADED_SHARE: u64 = 5;

/// Judges the present.
pub(super) fn judge(scene: &Scene<'_>, findings: &[Finding]) -> Status {
    if scene.case.gateways.is_empty() || scene.case.configs.is_empty() && !any_not_running(findings)
    {
        return Status::Unknown;
    }
    let mut status = Status::Healthy;
    // What a mere possibility adds stands apart: it can be told only where requests are seen.
    let mut perhaps = Status::Healthy;
    let groups = groups(scene);
    for (all, some) in groups.values() {
        status = status.max(match (*all, *some) {
            (true, _) => Status::Failing,
            (false, true) => Status::Degraded,
            _ => Status::Healthy,
        });
    }
    for finding in findings.iter().filter(|f| f.current) {
        let hidden = others_serve(scene, &groups, finding) || stood_in_for(scene, finding);
        let weight = if hidden { Status::Degraded } else { weight(finding) };
        let sure = finding.confidence > Confidence::Possible;
        let told = if sure { &mut status } else { &mut perhaps };
        *told = (*told).max(weight);
        // A gateway that does not run answers nobody, whatever keeps it from running.
        let gateway = finding.subject.gateway.as_ref().and_then(|id| scene.case.gateways.get(id));
        let explains_it = finding.explains.contains(&"proxy-not-running");
        if explains_it && gateway.is_some_and(|g| !g.running) {
            status = Status::Failing;
        }
    }
    if scene.incident.present && !is_over(scene, findings) {
        status = status.max(arriving(scene));
    }
    let nothing_seen = scene.chains.iter().all(|c| c.state == PeerState::Unknown)
        && !scene.chains.is_empty()
        && !scene.incident.traffic;
    if status == Status::Healthy && nothing_seen {
        return Status::Unknown;
    }
    if status == Status::Healthy && !can_see(scene) {
        return Status::Unknown;
    }
    status.max(perhaps)
}

fn any_not_running(findings: &[Finding]) -> bool {
    findings.iter().any(|f| f.cause == "proxy-not-running")
}

/// Whether failing requests of every gateway that runs would be seen: an upstream that listens is
/// no proof that it answers.
fn can_see(scene: &Scene<'_>) -> bool {
    scene.gateways().filter(|gateway| gateway.running).all(|gateway| watches(scene, gateway))
}

/// Per gateway and group: whether no member can serve, and whether some cannot.
fn groups(scene: &Scene<'_>) -> BTreeMap<String, (bool, bool)> {
    let mut groups: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for chain in &scene.chains {
        if !counts(chain) || !chain.gateway.running {
            continue;
        }
        let bad = cannot_serve(chain);
        let entry = groups.entry(group_of(chain)).or_insert((true, false));
        entry.0 &= bad && !answered_anyway(scene, chain);
        entry.1 |= bad
            || chain
                .peers
                .iter()
                .any(|p| p.state == PeerState::Down && !scene.is_passed_over(chain, p));
    }
    groups
}

/// Gateway and group of an upstream; one outside any group is a group of its own.
fn group_of(chain: &Chain<'_>) -> String {
    let group = &chain.upstream.group;
    let name = group.as_ref().map_or_else(|| chain.upstream.id.to_string(), ToString::to_string);
    format!("{} {name}", chain.gateway.id)
}

/// Whether all that a finding takes away is an address whose requests others of its group, or
/// other addresses of its name, answer: the gateway tries those by itself
/// (`proxy_next_upstream`, by default on a failed connect).
fn others_serve(
    scene: &Scene<'_>,
    groups: &BTreeMap<String, (bool, bool)>,
    finding: &Finding,
) -> bool {
    let mut chains = scene.chains_of(&finding.subject.upstreams).peekable();
    chains.peek().is_some()
        && chains.all(|chain| {
            let gone = chain.peers.iter().any(|peer| peer.state == PeerState::Down);
            gone && groups.get(&group_of(chain)).is_some_and(|(all, _)| !all)
        })
}

/// Whether clients got an answer from elsewhere for all that a finding takes away.
fn stood_in_for(scene: &Scene<'_>, finding: &Finding) -> bool {
    let mut chains = scene.chains_of(&finding.subject.upstreams).peekable();
    chains.peek().is_some() && chains.all(|chain| answered_anyway(scene, chain))
}

/// Whether requests failed at an upstream and no client saw it: a page of the gateway's own, another
/// upstream (`error_page 502 = @other`) or a cache stood in, or only a copy of the request (`mirror`)
/// went there. Every request has to be in an access log for that, and none may have failed.
fn answered_anyway<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> bool {
    let Some(first) = scene.incident.first else { return false };
    let lines = scene.lines_on(chain).filter(|fact| fact.at >= first).count() as u64;
    let (all, failed) = scene.case.access.unserved(&chain.gateway.id, first);
    // A status of 200 over half an answer is no answer.
    let cut = scene.facts_on(chain, &["response-truncated"]).next().is_some();
    lines > 0 && failed == 0 && !cut && all >= lines && sees_every_request(scene, chain.gateway)
}

fn cannot_serve(chain: &Chain<'_>) -> bool {
    match chain.state {
        PeerState::Down => true,
        PeerState::Strained => !chain.peers.iter().any(Peer::queue_full),
        PeerState::Up | PeerState::Unknown => false,
    }
}

fn weight(finding: &Finding) -> Status {
    // These are wrong while other requests may well succeed: the traffic says how bad it is.
    const PARTIAL: [&str; 42] = [
        "app-exception-500",
        "app-exception-no-response",
        "app-request-timeout-kill",
        "app-uncaught-exception",
        "app-worker-exit",
        "auth-subrequest-failed-500",
        "boot-order",
        "chained-proxy",
        "client-abort-499",
        "conntrack-full",
        "container-unhealthy",
        "cpu-throttled",
        "dns-unresolvable-at-start",
        "fpm-orphan-children",
        "intercepted-error-page",
        "kernel-connect-timeout",
        "lb-target-timeout",
        "mtu-blackhole",
        "php-max-execution-time",
        "php-memory-limit",
        "proxy-config-invalid",
        "proxy-own-answer",
        "proxy-rate-limit-503",
        "proxy-read-timeout",
        "proxy-send-timeout",
        "proxy-temp-permission",
        "proxy-worker-killed",
        "reload-does-not-recreate-socket",
        "reload-drops-requests",
        "request-body-too-large-413",
        "request-header-too-big-for-app",
        "response-framing-conflict",
        "response-header-invalid",
        "response-header-too-big",
        "response-not-http",
        "response-truncated",
        "stop-without-drain",
        "tcp-retransmit-timeout",
        "timeout-chain-inverted",
        "unexpected-upgrade",
        "upload-rejected-early",
        "upstream-sent-5xx",
    ];
    if finding.confidence == Confidence::Confirmed && !PARTIAL.contains(&finding.cause) {
        Status::Failing
    } else {
        Status::Degraded
    }
}

/// Failures arrive: failing, unless they are a small share of the traffic.
fn arriving(scene: &Scene<'_>) -> Status {
    let since = scene.incident.first.unwrap_or(scene.incident.window);
    let (all, failed) = scene.case.access.totals(None, since);
    if all > 0 && failed == 0 {
        // Error lines, and every client got its answer: retries hid them.
        return Status::Degraded;
    }
    let small = all > 100 && failed.saturating_mul(100) < all.saturating_mul(DEGRADED_SHARE);
    if small { Status::Degraded } else { Status::Failing }
}

/// Whether the failures seen speak of something that is gone: every upstream that failed was
/// changed or connects again since, and no finding holds on.
fn is_over(scene: &Scene<'_>, findings: &[Finding]) -> bool {
    if findings.iter().any(|f| f.current && f.confidence > Confidence::Possible) {
        return false;
    }
    let Some(last) = scene.incident.last else { return true };
    let mut failed = 0;
    for chain in &scene.chains {
        let Some(newest) = scene.lines_on(chain).next_back() else { continue };
        failed += 1;
        let id = &chain.gateway.id;
        let own = |address: &Address| chain.has_address(address);
        let proven = |at: Wall| proven(scene, id, own, at, newest.at);
        let since = |at: Wall| at > newest.at || proven(at);
        let reloaded =
            chain.gateway.loaded.is_some_and(|at| at > newest.at.plus_secs(1) || proven(at));
        let restarted = chain.peers.iter().any(|p| {
            p.unit.and_then(|u| u.exec_start).is_some_and(since)
                || p.program.and_then(|p| p.started).is_some_and(since)
                || p.container.and_then(|c| c.started).is_some_and(since)
                // A worker that its master replaces is no restart: the master is as old as it was.
                || !p.processes.is_empty() && p.processes.iter().all(|x| x.started.is_some_and(since))
        });
        let connects = newest.signature.as_str().starts_with("sym-tcp-refused")
            || newest.signature.as_str().starts_with("sym-unix-");
        let up_again = chain.state == PeerState::Up
            && chain
                .peers
                .iter()
                .any(|p| p.probe.is_some_and(|x| x.outcome == ProbeOutcome::Connected));
        if !(reloaded || restarted || (connects && up_again)) {
            return false;
        }
    }
    // An address that is no longer configured cannot fail any more, once that is loaded.
    for fact in scene.case.logs.since(scene.incident.window) {
        let (Some(id), Some(address)) = (&fact.gateway, &fact.address) else { continue };
        if scene.chains_at(address).any(|c| c.gateway.id == *id) {
            continue;
        }
        failed += 1;
        let gateway = scene.case.gateways.get(id);
        let own = |other: &Address| other == address;
        let gone = gateway
            .and_then(|g| g.loaded)
            .is_some_and(|at| at > fact.at.plus_secs(1) || proven(scene, id, own, at, fact.at));
        if !gone {
            return false;
        }
    }
    // Failures in the access log that no error line explains are over when they are old.
    failed > 0 || scene.now().since(last).as_secs() > 60
}

/// Whether requests prove what a change did. Stamps of logs are whole seconds, old workers and a
/// program that is still starting fail some more: a change shortly before the last failure counts
/// too, once enough requests were answered since and none failed. A proof of a repair speaks of the
/// addresses that it was made for, and of no other that the same gateway passes to.
fn proven(
    scene: &Scene<'_>,
    gateway: &GatewayId,
    own: impl Fn(&Address) -> bool,
    change: Wall,
    failed: Wall,
) -> bool {
    /// Requests that have to be answered.
    const ANSWERS: u64 = 3;
    /// Seconds that a change may take to show.
    const LATE: i64 = 60;
    /// Seconds without a failure.
    const QUIET: i64 = 10;
    let failed = scene.incident.last.map_or(failed, |last| last.max(failed));
    let mut proofs =
        scene.case.proven.iter().filter(|((id, _), at)| id == gateway && **at > failed);
    if proofs.any(|((_, address), _)| address.as_ref().is_none_or(&own)) {
        return true;
    }
    if change.plus_secs(LATE) < failed || scene.now().since(failed).as_secs() < QUIET {
        return false;
    }
    let (all, bad) = scene.case.access.totals(Some(gateway), failed.plus_secs(1));
    bad == 0 && all >= ANSWERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::{
            diagnose_scene,
            testing::{
                ACCESS_LOG, ERROR_LOG, Host, access_log, address, ago, container, container_id,
                gateway_id, log, unit,
            },
        },
        evidence::Signatures,
        observation::{BlindSpot, ContainerState, GatewayId, LogKind, Seen, SourceId, TO_STREAM},
    };

    const AT: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    fn status(host: &Host) -> Status {
        host.diagnose().status
    }

    #[test]
    fn a_gateway_whose_upstream_answers_is_healthy() {
        assert_eq!(status(&shop().traffic(1, 200, 10)), Status::Healthy);
    }

    #[test]
    fn without_any_request_the_chain_decides() {
        assert_eq!(status(&shop()), Status::Healthy);
        assert!(!shop().diagnose().incident.traffic);
        let down = Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(600));
        assert_eq!(status(&down), Status::Failing);
    }

    #[test]
    fn a_host_without_a_gateway_is_unknown() {
        let gone = Seen::GatewayGone(GatewayId("nginx:/etc/nginx/nginx.conf".into()));
        assert_eq!(status(&shop().sees(SourceId::Gateways, gone)), Status::Unknown);
    }

    #[test]
    fn an_upstream_that_nobody_can_see_is_unknown_and_not_healthy() {
        assert_eq!(status(&Host::passing_to("10.9.9.9:8000")), Status::Unknown);
    }

    /// nginx with the logs that most have, an upstream that listens, and no request yet.
    fn quiet() -> Host {
        shop().config(|c| c.logs.push(access_log()))
    }

    fn hidden(host: Host, path: &str) -> Host {
        host.blind_to(SourceId::Logs, path)
    }

    #[test]
    fn an_upstream_that_listens_is_not_healthy_while_no_log_can_be_read() {
        let dark = hidden(hidden(quiet(), ERROR_LOG), ACCESS_LOG);
        assert_eq!(status(&dark), Status::Unknown);
        let connects = dark.clone().probe(AT, ProbeOutcome::Connected);
        assert_eq!(status(&connects), Status::Unknown);
        assert_eq!(status(&shop().blind(SourceId::Logs)), Status::Unknown);
    }

    #[test]
    fn one_kind_of_log_is_enough_to_see_what_fails() {
        assert_eq!(status(&hidden(quiet(), ERROR_LOG)), Status::Healthy);
        assert_eq!(status(&hidden(quiet(), ACCESS_LOG)), Status::Healthy);
        // access_log off
        assert_eq!(status(&shop()), Status::Healthy);
        assert_eq!(status(&hidden(shop(), ERROR_LOG)), Status::Unknown);
        assert_eq!(status(&shop().config(|c| c.logs.clear())), Status::Unknown);
    }

    #[test]
    fn requests_that_were_seen_tell_although_a_log_is_hidden() {
        let host = hidden(hidden(quiet(), ERROR_LOG), ACCESS_LOG).traffic(1, 200, 10);
        assert_eq!(status(&host), Status::Healthy);
    }

    #[test]
    fn one_readable_log_does_not_speak_for_the_requests_in_another() {
        let mut inner = access_log();
        inner.path = "/var/log/nginx/inner.log".into();
        let two = quiet().config(|c| c.logs.push(inner)).traffic(1, 200, 10);
        assert_eq!(status(&two), Status::Healthy);
        assert_eq!(status(&hidden(two.clone(), ACCESS_LOG)), Status::Healthy);
        assert_eq!(status(&hidden(hidden(two, ERROR_LOG), ACCESS_LOG)), Status::Unknown);
    }

    #[test]
    fn logs_that_go_to_syslog_leave_it_open_whether_requests_fail() {
        const SYSLOG: &str = "syslog:server=unix:/dev/log";
        let sends = shop().config(|c| c.logs = vec![log(SYSLOG, LogKind::Error)]);
        assert_eq!(status(&hidden(sends.clone(), SYSLOG)), Status::Unknown);
        let with_file = sends.config(|c| c.logs.push(access_log()));
        assert_eq!(status(&hidden(with_file, SYSLOG)), Status::Healthy);
    }

    #[test]
    fn a_log_below_another_root_is_told_from_one_of_the_same_name() {
        let inside =
            quiet().config(|c| c.logs.iter_mut().for_each(|l| l.root = "/proc/9/root".into()));
        let one = hidden(inside.clone(), "/proc/9/root/var/log/nginx/error.log");
        let both = hidden(one, "/proc/9/root/var/log/nginx/access.log");
        assert_eq!(status(&both), Status::Unknown);
        assert_eq!(status(&hidden(hidden(inside, ERROR_LOG), ACCESS_LOG)), Status::Healthy);
    }

    #[test]
    fn what_a_container_writes_to_its_output_is_read_through_the_engine() {
        let inside = |why: &str| {
            let spot = |path: &str| {
                Seen::Blind(BlindSpot {
                    source: SourceId::Logs,
                    what: path.into(),
                    why: why.into(),
                    hides: "".into(),
                    grant: "".into(),
                })
            };
            quiet()
                .gateway(|g| g.container = Some(container_id('d')))
                .container(container("edge").with(|c| c.id = container_id('d')))
                .sees(SourceId::Logs, spot(ERROR_LOG))
                .sees(SourceId::Logs, spot(ACCESS_LOG))
        };
        assert_eq!(status(&inside(TO_STREAM)), Status::Healthy);
        assert_eq!(status(&inside(TO_STREAM).blind(SourceId::Docker)), Status::Unknown);
        assert_eq!(status(&inside("permission denied")), Status::Unknown);
    }

    #[test]
    fn a_failure_that_the_chain_proves_needs_no_log() {
        let down = Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(600));
        assert_eq!(status(&hidden(down, ERROR_LOG)), Status::Failing);
    }

    #[test]
    fn a_second_gateway_whose_logs_are_hidden_makes_it_unknown() {
        let mut other = quiet().gateway;
        other.id = GatewayId("nginx:/srv/other.conf".into());
        let host = quiet().traffic(1, 200, 10).sees(SourceId::Gateways, Seen::Gateway(other));
        assert_eq!(status(&host), Status::Unknown);
    }

    #[test]
    fn half_a_group_degrades_and_the_whole_group_fails() {
        let half =
            Host::new().group("pool", &[AT, B]).serves("a.service", AT, 100).traffic(1, 200, 10);
        assert_eq!(status(&half), Status::Degraded);
        let none = Host::new().group("pool", &[AT, B]).traffic(1, 200, 10);
        assert_eq!(status(&none), Status::Failing);
    }

    #[test]
    fn a_member_marked_down_and_an_upstream_without_a_route_count_for_nothing() {
        let marked = shop().upstream_with(B, |u| u.params.down = true).traffic(1, 200, 10);
        assert_eq!(status(&marked), Status::Healthy);
        let unused = shop().upstream_with(B, |u| u.routes.clear()).traffic(1, 200, 10);
        assert_eq!(status(&unused), Status::Healthy);
    }

    #[test]
    fn failures_that_arrive_are_failing_whatever_their_cause() {
        assert_eq!(status(&shop().closed(10, AT).answered(10, 502, Some("502"))), Status::Failing);
    }

    #[test]
    fn a_few_failures_among_many_answers_degrade() {
        let host = shop().traffic(10, 200, 1_000).answered(10, 502, Some("502")).closed(10, AT);
        assert_eq!(status(&host), Status::Degraded);
    }

    #[test]
    fn retries_that_hid_every_failure_from_the_clients_degrade() {
        assert_eq!(status(&shop().traffic(10, 200, 50).closed(10, AT)), Status::Degraded);
    }

    #[test]
    fn an_upstream_for_which_something_else_stands_in_degrades() {
        let down = |requests: u32, status: u16| {
            Host::passing_to(AT)
                .unit(unit("shop.service").claims(AT).stopped(60))
                .config(|c| c.logs.push(access_log()))
                .refused(10, AT)
                .refused(9, AT)
                .traffic(9, status, requests)
        };
        assert_eq!(status(&down(2, 200)), Status::Degraded);
        down(2, 200).root("app-unit-stopped");
        assert_eq!(
            status(&down(1, 200)),
            Status::Failing,
            "one of the failures is not accounted for"
        );
        assert_eq!(status(&down(2, 499)), Status::Failing, "clients gave up");
        assert_eq!(status(&down(2, 502)), Status::Failing);
        let partly = down(2, 200).config(|c| c.unlogged = true);
        assert_eq!(status(&partly), Status::Failing, "some requests are logged nowhere");
    }

    #[test]
    fn failures_of_an_hour_ago_are_not_the_present() {
        let host = shop().answered(3_600, 502, Some("502")).closed(3_600, AT).traffic(1, 200, 9);
        assert_eq!(status(&host), Status::Healthy);
    }

    #[test]
    fn a_paused_container_fails_although_it_accepts() {
        let paused =
            container("shop").publishes(8000, 80).with(|c| c.state = ContainerState::Paused);
        assert_eq!(status(&Host::passing_to(AT).container(paused).listens(AT, 0)), Status::Failing);
    }

    fn crashed_and(restarts: u32) -> Host {
        let policy = if restarts == 0 { "no" } else { "always" };
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(20).restarts(restarts, policy))
            .process_since(100, "app", "shop.service", 20)
            .listens(AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .systemd("shop.service", 90, "Main process exited, code=dumped, status=11/SEGV")
            .refused(60, AT)
            .answered(60, 502, Some("502"))
    }

    #[test]
    fn a_start_by_hand_after_the_last_failure_is_a_recovery() {
        let diagnosis = crashed_and(0).diagnose();
        assert_eq!(diagnosis.status, Status::Healthy);
        assert!(diagnosis.findings.is_empty());
        assert!(diagnosis.recovered.iter().any(|f| f.cause == "app-crash-signal"));
    }

    #[test]
    fn an_automatic_restart_repairs_nothing() {
        let diagnosis = crashed_and(2).diagnose();
        assert!(diagnosis.findings.iter().any(|f| f.cause == "app-crash-signal"));
        assert_ne!(diagnosis.status, Status::Healthy);
    }

    #[test]
    fn a_failure_after_the_start_by_hand_takes_the_recovery_back() {
        let host = crashed_and(0).closed(5, AT).answered(5, 502, Some("502"));
        assert_ne!(status(&host), Status::Healthy);
    }

    #[test]
    fn a_worker_that_its_master_replaced_is_no_recovery() {
        let told = |master_since: i64| {
            let host = Host::passing_to(AT)
                .unit(unit("shop.service").claims(AT).up_since(master_since))
                .process_since(100, "uwsgi", "shop.service", master_since)
                .process_since(101, "uwsgi", "shop.service", 3)
                .listens_with(AT, 100, |l| l.pids.push(101))
                .probe(AT, ProbeOutcome::Connected);
            status(&host.closed(20, AT).answered(20, 502, Some("502")))
        };
        assert_eq!(told(80_000), Status::Failing);
        assert_eq!(told(10), Status::Healthy, "all of it was started again");
    }

    #[test]
    fn an_address_that_was_taken_out_of_the_configuration_fails_no_more_once_that_is_loaded() {
        let edited = |loaded| {
            shop()
                .gateway(|g| g.loaded = Some(ago(loaded)))
                .probe(AT, ProbeOutcome::Connected)
                .refused(60, "127.0.0.1:8080")
                .answered(60, 502, Some("502"))
        };
        assert_eq!(status(&edited(30)), Status::Healthy);
        assert_eq!(status(&edited(600)), Status::Failing);
    }

    #[test]
    fn a_reload_just_before_the_last_failure_ends_it_once_requests_prove_it() {
        let told = |failed: i64, answered: i64, n: u32| {
            let host = shop().gateway(|g| g.loaded = Some(ago(failed)));
            let host = host.probe(AT, ProbeOutcome::Connected).closed(failed, AT);
            status(&host.traffic(answered, 200, n))
        };
        assert_eq!(told(12, 5, 3), Status::Healthy);
        assert_ne!(told(12, 5, 2), Status::Healthy, "too few answers");
        assert_ne!(told(8, 5, 3), Status::Healthy, "too early to say");
        let host = shop().gateway(|g| g.loaded = Some(ago(90)));
        let late = host.probe(AT, ProbeOutcome::Connected).closed(20, AT);
        assert_ne!(status(&late.traffic(5, 200, 30)), Status::Healthy, "not by that reload");
    }

    #[test]
    fn a_repair_that_requests_proved_ends_what_failed_there_and_nothing_else() {
        // Both are reached, and one of them breaks off what it answers.
        let host = shop().upstream(B).listens(B, 200).probe(AT, ProbeOutcome::Connected);
        let host = host.probe(B, ProbeOutcome::Connected).closed(20, B);
        let host = host.gateway(|g| g.loaded = Some(ago(900)));
        let after = |repaired: Option<&str>| {
            let mut case = host.case();
            case.proven.insert((gateway_id(), repaired.map(address)), ago(5));
            diagnose_scene(&Scene::new(&case, Signatures::embedded())).status
        };
        assert_eq!(after(Some(AT)), Status::Failing);
        assert_eq!(after(Some(B)), Status::Healthy);
        assert_eq!(after(None), Status::Healthy, "the gateway as a whole");
    }

    #[test]
    fn a_reload_after_the_last_failure_ends_it() {
        let host = shop()
            .gateway(|g| g.loaded = Some(ago(30)))
            .probe(AT, ProbeOutcome::Connected)
            .closed(60, AT);
        assert_eq!(status(&host), Status::Healthy);
    }

    #[test]
    fn a_stopped_member_of_a_group_that_serves_is_degraded_and_not_failing() {
        let host = Host::new()
            .group("duo", &[AT, B])
            .serves("shop.service", AT, 100)
            .unit(unit("spare.service").claims(B).stopped(60))
            .refused(10, B)
            .probe(B, ProbeOutcome::Refused)
            .traffic(5, 200, 9);
        host.root("app-unit-stopped");
        assert_eq!(status(&host), Status::Degraded);
    }
}
