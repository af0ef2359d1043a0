//! Which finding comes first, and which ones are explained by another.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    evidence::{incident_of, topology::inner_gateway},
    observation::{GatewayId, Origin},
};

use super::{
    Confidence, Evidence, Finding, Scene,
    finding::shares,
    gather::gather,
    words::{CauseKind, CauseText},
};

/// Order among the states of a unit: the left one wins.
const STATES: [&str; 8] = [
    "app-start-limit-hit",
    "pm2-errored",
    "supervisor-fatal",
    "app-restart-loop",
    "app-unit-failed-exit",
    "app-killed-not-restarted",
    "app-stopped-by-operator",
    "app-unit-stopped",
];

/// Puts the findings in order and folds those that another one explains into it.
pub(super) fn rank(scene: &Scene<'_>, found: Vec<Finding>) -> Vec<Finding> {
    let mut found = in_order(scene, found);
    found.dedup_by(|b, a| a.cause == b.cause && a.subject == b.subject);
    let found = gather(found);
    let by: Vec<Option<usize>> = found.iter().map(|f| explained_by(scene, &found, f)).collect();
    let mut kept: Vec<(usize, Finding)> = Vec::new();
    for (at, finding) in found.iter().enumerate().filter(|(at, _)| root(&by, *at) == *at) {
        kept.push((at, finding.clone()));
    }
    for (at, finding) in found.into_iter().enumerate() {
        let root = root(&by, at);
        if let Some((_, by)) = kept.iter_mut().find(|(k, _)| *k == root && root != at) {
            let passed_on = passed_on_from(scene, &finding);
            if is_behind(by, &finding, &passed_on) {
                let told = hop(scene, &finding, by);
                by.evidence.extend(told);
            }
            if !by.explains.contains(&finding.cause) {
                by.explains.push(finding.cause);
            }
            for other in finding.explains {
                if !by.explains.contains(&other) && other != by.cause {
                    by.explains.push(other);
                }
            }
            by.subject.add_upstreams(finding.subject.upstreams);
        }
    }
    let mut kept: Vec<Finding> = kept.into_iter().map(|(_, finding)| finding).collect();
    for finding in &mut kept {
        add_symptoms(scene, finding);
    }
    kept
}

/// The findings in their order. There may be one for each of ten thousand upstreams: what they are
/// about is compared in its place, and each of them is moved once.
fn in_order(scene: &Scene<'_>, found: Vec<Finding>) -> Vec<Finding> {
    let standing = standing(scene);
    let mut order: Vec<_> = found
        .iter()
        .enumerate()
        .map(|(at, finding)| (key(scene, finding, &standing), &finding.subject, at))
        .collect();
    order.sort_unstable();
    let order: Vec<usize> = order.into_iter().map(|(_, _, at)| at).collect();
    let mut found: Vec<Option<Finding>> = found.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| found.get_mut(at).and_then(Option::take)).collect()
}

/// Which gateway made the status and which one passed it on.
fn hop(scene: &Scene<'_>, front: &Finding, inner: &Finding) -> Option<Evidence> {
    let gateway = |of: &Finding| scene.case.gateways.get(of.subject.gateway.as_ref()?);
    let (front, inner) = (gateway(front)?, gateway(inner)?);
    let what = format!(
        "{} passed on what {} behind it answered: the fault is behind {}",
        front.kind.as_str(),
        inner.kind.as_str(),
        inner.id
    );
    Some(Evidence { what, origin: Origin::Path(front.config.clone()), at: None })
}

/// The first finding that explains another, one that nothing explains before all others.
fn explained_by(scene: &Scene<'_>, found: &[Finding], weak: &Finding) -> Option<usize> {
    let passed_on = passed_on_from(scene, weak);
    let by = |other: &Finding| explains(other, weak) || is_behind(other, weak, &passed_on);
    let strong = || found.iter().enumerate().filter(|(_, other)| by(other));
    let last = |other: &Finding| !found.iter().any(|f| explains(f, other));
    strong().find(|(_, other)| last(other)).or_else(|| strong().next()).map(|(at, _)| at)
}

/// The gateways behind that a status came from which a finding only saw being passed on.
fn passed_on_from<'a>(scene: &Scene<'a>, weak: &Finding) -> Vec<&'a GatewayId> {
    if !matches!(weak.cause, "upstream-sent-5xx" | "chained-proxy") {
        return Vec::new();
    }
    let chains = scene.chains_of(&weak.subject.upstreams);
    chains.filter_map(|chain| inner_gateway(scene.case, chain)).map(|inner| &inner.id).collect()
}

/// Whether a finding of a gateway further in is the reason for what the one in front passed on.
fn is_behind(strong: &Finding, weak: &Finding, inner: &[&GatewayId]) -> bool {
    let own = strong.subject.gateway.as_ref();
    own.is_some_and(|own| inner.contains(&own))
        && own != weak.subject.gateway.as_ref()
        && strong.current == weak.current
        && strong.confidence >= Confidence::Likely
}

/// Where a chain of explanations ends; a ring of them, which the data must not hold, ends at its
/// first member.
fn root(by: &[Option<usize>], from: usize) -> usize {
    let mut at = from;
    let mut seen = vec![from];
    while let Some(next) = by.get(at).copied().flatten() {
        if seen.contains(&next) {
            let ring = seen.iter().position(|s| *s == next).unwrap_or_default();
            return seen.iter().skip(ring).copied().min().unwrap_or(next);
        }
        seen.push(next);
        at = next;
    }
    at
}

/// How near a gateway is to what is asked: whether no request fails there now, and whether it is
/// one of another container's. The lesser is nearer.
type Standing<'a> = BTreeMap<&'a GatewayId, (bool, bool)>;

/// The standing of every gateway. One that another gateway leads to answers for that one's requests,
/// so it stands where that one stands.
fn standing<'a>(scene: &Scene<'a>) -> Standing<'a> {
    let mut all: Standing<'a> = BTreeMap::new();
    for gateway in scene.gateways() {
        let quiet = !incident_of(scene.case, scene.signatures, Some(&gateway.id)).present;
        all.insert(&gateway.id, (quiet, gateway.container.is_some()));
    }
    // As many rounds as there may be gateways in a row; each only brings one nearer.
    for _ in 0..all.len().min(8) {
        for chain in &scene.chains {
            let Some(front) = all.get(&chain.gateway.id).copied() else { continue };
            let Some(behind) = inner_gateway(scene.case, chain) else { continue };
            if let Some(own) = all.get_mut(&behind.id) {
                *own = (own.0 && front.0, own.1 && front.1);
            }
        }
    }
    all
}

/// What sorts findings, before what they are about; nothing in it depends on a clock or on the order
/// of the rules.
fn key(scene: &Scene<'_>, finding: &Finding, standing: &Standing<'_>) -> impl Ord + use<> {
    let asked = scene
        .chains_of(&finding.subject.upstreams)
        .any(|chain| scene.lines_on(chain).next_back().is_some());
    let gateway = finding.subject.gateway.as_ref();
    (
        !finding.current,
        gateway.and_then(|id| standing.get(id)).copied().unwrap_or_default(),
        Reverse(finding.confidence),
        tier(finding.cause),
        // What requests fail on comes before what nobody has asked for.
        !asked && !finding.subject.upstreams.is_empty(),
        Reverse(finding.subject.upstreams.len()),
        finding.cause,
    )
}

fn tier(cause: &str) -> usize {
    if let Some(at) = STATES.iter().position(|state| *state == cause) {
        return 10 + at;
    }
    match CauseText::get(cause).map(|text| text.kind) {
        Some(CauseKind::Reason) => 0,
        Some(CauseKind::State) => 20,
        Some(CauseKind::Symptom) => 30,
        None => 25,
    }
}

fn explains(strong: &Finding, weak: &Finding) -> bool {
    let by_state = match (position(strong.cause), position(weak.cause)) {
        (Some(a), Some(b)) => {
            let (strong, weak) = (&strong.subject, &weak.subject);
            a < b && strong.unit == weak.unit && strong.program == weak.program
        }
        _ => false,
    };
    let named = || {
        CauseText::get(strong.cause)
            .is_some_and(|text| text.explains.iter().any(|id| id == weak.cause))
    };
    if !(by_state || follows(strong, weak) || named()) || strong.current != weak.current {
        return false;
    }
    // A mere possibility explains nothing that is better founded than itself.
    if strong.confidence < weak.confidence && strong.confidence == Confidence::Possible {
        return false;
    }
    strong.subject.overlaps(&weak.subject)
}

/// What a gateway does about a server that fails is explained by whatever is found of that server;
/// of its own states the left one explains the right one.
fn follows(strong: &Finding, weak: &Finding) -> bool {
    const OWN: [&str; 2] = ["haproxy-server-down", "haproxy-no-server"];
    // These are found beside it, and take no server out of service.
    const APART: [&str; 3] = ["upstream-sent-5xx", "haproxy-queue-timeout", "keepalive-race"];
    let at = |cause: &str| OWN.iter().position(|state| *state == cause);
    let shared = || shares(&strong.subject.upstreams, &weak.subject.upstreams);
    match (at(strong.cause), at(weak.cause)) {
        (Some(a), Some(b)) => a < b && shared(),
        (None, Some(_)) => {
            strong.confidence > Confidence::Possible && !APART.contains(&strong.cause) && shared()
        }
        _ => false,
    }
}

fn position(cause: &str) -> Option<usize> {
    STATES.iter().position(|state| *state == cause)
}

/// Symptoms of the same upstreams that the log showed, as far as the cause is known to make them.
fn add_symptoms(scene: &Scene<'_>, finding: &mut Finding) {
    let Some(text) = CauseText::get(finding.cause) else { return };
    // Of the thousands that one finding may be about, few have lines.
    let spoken_of: Vec<_> = scene
        .chains_of(&finding.subject.upstreams)
        .filter(|chain| scene.lines_on(chain).next_back().is_some())
        .collect();
    for symptom in text.explains.iter().filter(|id| id.starts_with("sym-")) {
        let on = |chain| scene.facts_on(chain, &[symptom.as_str()]).next().is_some();
        let seen = spoken_of.iter().copied().any(on);
        if seen && !finding.explains.contains(&symptom.as_str()) {
            finding.explains.push(symptom.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::{
            causes,
            testing::{Host, ago, container, container_id, gateway_id, name, unit},
        },
        observation::{LogLine, NetNs, Origin, Program, Seen, SourceId, UnitResult, UpstreamId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn about(cause: &'static str, confidence: Confidence, of: &str) -> Finding {
        let mut finding = Finding::new(cause, confidence, cause);
        finding.subject.unit = Some(name(of));
        finding
    }

    fn ranked(found: Vec<Finding>) -> Vec<Finding> {
        Host::passing_to(AT).look(|scene| rank(scene, found))
    }

    #[test]
    fn a_reason_stands_above_the_states_and_takes_them_in() {
        let kept = ranked(vec![
            about("app-unit-stopped", Confidence::Confirmed, "shop.service"),
            about("app-start-limit-hit", Confidence::Confirmed, "shop.service"),
            about("oom-cgroup-unit", Confidence::Confirmed, "shop.service"),
        ]);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].cause, "oom-cgroup-unit");
        assert_eq!(kept[0].explains, ["app-start-limit-hit", "app-unit-stopped"]);
    }

    #[test]
    fn of_the_states_of_one_unit_the_left_one_wins() {
        for pair in STATES.windows(2) {
            let kept = ranked(vec![
                about(pair[1], Confidence::Confirmed, "shop.service"),
                about(pair[0], Confidence::Confirmed, "shop.service"),
            ]);
            assert_eq!(kept.len(), 1, "{pair:?}");
            assert_eq!((kept[0].cause, &kept[0].explains[..]), (pair[0], &pair[1..]));
        }
    }

    #[test]
    fn one_unit_explains_nothing_of_another() {
        let kept = ranked(vec![
            about("oom-cgroup-unit", Confidence::Confirmed, "shop.service"),
            about("app-unit-stopped", Confidence::Confirmed, "blog.service"),
        ]);
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn a_mere_possibility_never_takes_in_what_is_better_founded() {
        for better in [Confidence::Confirmed, Confidence::Likely] {
            let kept = ranked(vec![
                about("oom-cgroup-unit", Confidence::Possible, "shop.service"),
                about("app-killed-not-restarted", better, "shop.service"),
            ]);
            let causes: Vec<_> = kept.iter().map(|f| f.cause).collect();
            assert_eq!(causes, ["app-killed-not-restarted", "oom-cgroup-unit"]);
        }
    }

    #[test]
    fn what_is_over_explains_nothing_that_lasts() {
        let mut over = about("oom-cgroup-unit", Confidence::Confirmed, "shop.service");
        over.current = false;
        let lasts = about("app-unit-stopped", Confidence::Likely, "shop.service");
        let kept = ranked(vec![over, lasts]);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[0].cause, "app-unit-stopped");
    }

    #[test]
    fn what_an_explained_finding_explained_is_not_lost() {
        let kept = ranked(vec![
            about("unix-socket-stale", Confidence::Confirmed, "shop.service"),
            about("app-unit-stopped", Confidence::Confirmed, "shop.service"),
            about("unit-not-enabled", Confidence::Confirmed, "shop.service"),
        ]);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].explains.contains(&"unix-socket-stale"), "{:?}", kept[0].explains);
    }

    #[test]
    fn no_chain_of_explanations_bites_its_own_tail() {
        fn walk<'a>(id: &'a str, path: &mut Vec<&'a str>, done: &mut Vec<&'a str>) {
            assert!(!path.contains(&id), "{path:?} leads back to {id}");
            if done.contains(&id) {
                return;
            }
            path.push(id);
            let text = CauseText::get(id).map(|t| t.explains.as_slice()).unwrap_or_default();
            for next in text {
                walk(next, path, done);
            }
            if let Some(at) = position(id) {
                for next in STATES.iter().skip(at + 1) {
                    walk(next, path, done);
                }
            }
            path.pop();
            done.push(id);
        }
        let mut done = Vec::new();
        for text in CauseText::all() {
            walk(&text.id, &mut Vec::new(), &mut done);
        }
    }

    #[test]
    fn the_order_of_the_rules_changes_nothing() {
        let host = Host::new()
            .group("pool", &[AT, "127.0.0.1:8001"])
            .upstream("127.0.0.1:8002")
            .unit(unit("a.service").claims(AT).killed(9, 60).result(UnitResult::Signal))
            .unit(unit("b.service").claims("127.0.0.1:8001").exited(78, 70).restarts(6, "always"))
            .kill("/system.slice/a.service", 60, true)
            .process(100, "node", "c.service")
            .listens("127.0.0.1:3000", 100)
            .refused(10, AT)
            .refused(9, "127.0.0.1:8001")
            .refused(8, "127.0.0.1:8002");
        host.look(|scene| {
            let found = causes::judge_all(scene);
            assert!(found.len() >= 5);
            let first = rank(scene, found.clone());
            for turn in 1..found.len() {
                let mut other = found.clone();
                other.rotate_left(turn);
                assert_eq!(rank(scene, other.clone()), first);
                other.reverse();
                assert_eq!(rank(scene, other), first);
            }
        });
    }

    #[test]
    fn what_an_outer_gateway_passes_on_is_explained_by_the_inner_one() {
        use crate::observation::{GatewayKind, LogKind};
        let front = "127.0.0.1:8081";
        let inner = Host::new()
            .upstream(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT)
            .listens(front, 11);
        let mut outer = Host::apache().upstream(front);
        outer.gateway.master = Some(20);
        outer.gateway.workers = vec![21];
        let apache = outer.gateway.id.clone();
        outer.config.upstreams[0].id = UpstreamId("apache:/etc/apache2/apache2.conf:3".into());
        let mut host = inner
            .sees(SourceId::Gateways, Seen::Gateway(outer.gateway.clone()))
            .sees(SourceId::Gateways, Seen::Config(Box::new(outer.config.clone())));
        for seen in outer.clone().answered(9, 502, None).observations() {
            if matches!(seen.seen, Seen::Access(_) | Seen::Traffic(_)) {
                host = host.sees(seen.source, seen.seen);
            }
        }
        assert!(outer.config.logs.iter().any(|log| log.kind == LogKind::Error));
        let found = host.root("app-unit-stopped");
        assert!(found.explains.contains(&"upstream-sent-5xx"), "{found:#?}");
        let told = found.evidence.iter().any(|e| e.what.starts_with("apache passed on what nginx"));
        assert!(told, "{found:#?}");
        assert_eq!(apache.kind(), Some(GatewayKind::Apache));
        let causes: Vec<_> = host.diagnose().findings.iter().map(|f| f.cause).collect();
        assert!(!causes.contains(&"upstream-sent-5xx"), "{causes:?}");
    }

    const INNER: &str = "nginx:/etc/nginx/nginx.conf@inner";
    const DEAD: &str = "127.0.0.1:8000";

    /// A host whose nginx has a fault that is only possible, and a container's nginx whose upstream
    /// is down for sure.
    fn two_gateways(front: &Host) -> Host {
        let id = container_id('d');
        let inner = container("inner").with(|c| {
            c.id = id.clone();
            c.ips = vec![("bridge".into(), [172, 17, 0, 9].into())];
            c.netns = Some(NetNs(9));
        });
        let mut gateway = front.gateway.clone();
        gateway.id = GatewayId(INNER.into());
        gateway.container = Some(id);
        gateway.netns = Some(NetNs(9));
        let mut config = Host::passing_to(DEAD).config;
        config.gateway = gateway.id.clone();
        for upstream in &mut config.upstreams {
            upstream.id = UpstreamId(format!("{INNER}:10").as_str().into());
        }
        front
            .clone()
            .container(inner)
            .unit(unit("inner-app.service").claims(DEAD).stopped(900))
            .listens_inside(9, &["0.0.0.0:80"])
            .sees(SourceId::Gateways, Seen::Gateway(gateway))
            .sees(SourceId::Gateways, Seen::Config(Box::new(config)))
    }

    fn gateways_in_order(host: &Host) -> Vec<(GatewayId, Confidence)> {
        let findings = host.diagnose().findings;
        findings.into_iter().filter_map(|f| f.subject.gateway.map(|g| (g, f.confidence))).collect()
    }

    #[test]
    fn the_hosts_own_gateway_stands_above_one_in_a_container() {
        let host = two_gateways(&Host::passing_to("127.0.0.1:7000"));
        let order = gateways_in_order(&host);
        let own = (gateway_id(), Confidence::Possible);
        let inner = (GatewayId(INNER.into()), Confidence::Confirmed);
        assert_eq!(order, [own, inner]);
    }

    #[test]
    fn the_gateway_that_fails_requests_now_stands_above_all_others() {
        let line = LogLine {
            program: Program::Nginx,
            origin: Origin::ContainerLog(container_id('d')),
            gateway: Some(GatewayId(INNER.into())),
            at: Some(ago(5)),
            text: r#"2026/11/20 13:59:55 [error] 11#11: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, server: x, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8000/", host: "x""#.into(),
        };
        let host =
            two_gateways(&Host::passing_to("127.0.0.1:7000")).sees(SourceId::Logs, Seen::Log(line));
        assert_eq!(gateways_in_order(&host)[0].0, GatewayId(INNER.into()));
        let both = host.refused(5, "127.0.0.1:7000");
        assert_eq!(gateways_in_order(&both)[0].0, gateway_id());
    }

    #[test]
    fn a_gateway_in_a_container_that_the_hosts_own_leads_to_is_no_stranger() {
        let host = Host::passing_to("172.17.0.9:80").upstream("127.0.0.1:7000");
        let order = gateways_in_order(&two_gateways(&host));
        assert_eq!(order[0], (GatewayId(INNER.into()), Confidence::Confirmed));
    }

    #[test]
    fn only_symptoms_that_the_log_showed_are_explained() {
        let host =
            Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(60)).refused(10, AT);
        let explains = host.root("app-unit-stopped").explains;
        assert!(explains.contains(&"sym-tcp-refused"));
        assert!(!explains.contains(&"sym-unix-missing"));
    }
}
