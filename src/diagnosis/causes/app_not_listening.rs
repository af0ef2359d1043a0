//! What should serve an address runs, as far as its manager knows, and nothing of it listens: a
//! start script ended well and what it started is gone, a wrapper outlived its server, an
//! entrypoint waits for something.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    evidence::topology::{Chain, Listening, Nearness, Peer, PeerState},
    observation::{Address, Container, Origin, Process, SocketFileKind, Unit, UnitActive},
};

use super::{
    container_inside::{self, Inside, Verdict},
    rule::{Rule, about_unit, last_words, missed_units, words_of_container},
    unix_socket::is_hidden,
};

pub(super) const RULE: Rule = Rule { cause: "app-not-listening", judge };

/// Until then a start is a matter of patience, seconds.
const START_SECS: i64 = 30;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        missed_units(scene).filter_map(|backing| of_unit(scene, backing)).collect();
    found.extend(of_containers(scene));
    found
}

fn of_unit(scene: &Scene<'_>, backing: &Backing<'_, Unit>) -> Option<Finding> {
    let unit = backing.who;
    if unit.active != UnitActive::Active || !is_silent(scene, backing) {
        return None;
    }
    if let Some(process) = in_own_network(scene, backing) {
        let summary = format!(
            "{} runs in a network of its own (PrivateNetwork= or NetworkNamespacePath=), which the \
             gateway does not reach",
            unit.name
        );
        return Some(
            about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                .with(
                    format!("process {} is not in the gateway's network namespace", process.pid),
                    Origin::Process(process.pid),
                    None,
                )
                .check(format!("which setting puts it there? systemctl cat {}", unit.name)),
        );
    }
    let ended = unit.sub.raw() == "exited";
    let age = unit.exec_start.map(|at| scene.now().since(at).as_secs());
    if !ended && age.is_none_or(|age| age <= START_SECS) {
        return None;
    }
    let (sure, summary, check) = if ended {
        (
            Confidence::Confirmed,
            format!(
                "{0} counts as active because its start command ended well, and what that started \
                 does not listen",
                unit.name
            ),
            format!(
                "does what it started still run? systemctl status {}, and its own log",
                unit.name
            ),
        )
    } else {
        (
            Confidence::Likely,
            format!("{} runs for {} s, and nothing of it listens", unit.name, age.unwrap_or(0)),
            format!(
                "what is it doing? A first start may take long (a migration): journalctl -u {} -n \
                 30",
                unit.name
            ),
        )
    };
    Some(
        about_unit(scene, backing, RULE.cause, sure, summary)
            .with_some(last_words(scene, unit))
            .check(check),
    )
}

/// The main process of a unit behind some chains, when its sockets are in another network namespace
/// than their gateway's.
pub(super) fn in_own_network<'a>(
    scene: &Scene<'a>,
    backing: &Backing<'_, Unit>,
) -> Option<&'a Process> {
    let process = scene.case.processes.get(&backing.who.main_pid?)?;
    let own = process.netns?;
    let mut chains = backing.chains.iter().filter_map(|index| scene.chains.get(*index)).peekable();
    let others = |chain: &Chain<'_>| {
        let tcp = chain.peers.iter().all(|peer| matches!(peer.address, Address::Tcp(_)));
        tcp && scene.case.netns_of(chain.gateway).is_some_and(|netns| netns != own)
    };
    chains.peek()?;
    chains.all(others).then_some(process)
}

/// Whether nothing listens where the chains lead, nothing beside it, and nothing of the unit
/// anywhere: each of those is another trouble.
fn is_silent(scene: &Scene<'_>, backing: &Backing<'_, Unit>) -> bool {
    let chains = backing.chains.iter().filter_map(|index| scene.chains.get(*index));
    let mut down = chains.flat_map(|c| &c.peers).filter(|p| p.state == PeerState::Down).peekable();
    let elsewhere = |peer: &Peer<'_>| {
        peer.nearby.iter().any(|near| {
            near.nearness == Nearness::SamePort
                || near.unit.is_some_and(|unit| unit.name == backing.who.name)
        })
    };
    down.peek().is_some()
        && down.all(|peer| {
            let hidden = peer
                .socket
                .is_some_and(|s| is_hidden(s) || s.kind == SocketFileKind::ParentMissing);
            peer.listening == Listening::No && !hidden && !elsewhere(peer)
        })
}

fn of_containers(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = container_inside::judge(scene, RULE.cause, verdict);
    for finding in &mut found {
        let id = finding.subject.container.as_ref().map(|(id, _)| id.clone());
        let container = id.and_then(|id| scene.case.containers.get(&id));
        let age = container.and_then(|c| c.started).map(|at| scene.now().since(at).as_secs());
        let young = age.is_none_or(|age| age <= START_SECS);
        let most = if young { Confidence::Possible } else { Confidence::Likely };
        finding.confidence = finding.confidence.min(most);
        finding.evidence.extend(container.and_then(|c| words_of_container(scene, c)));
    }
    found
}

fn verdict(container: &Container, inside: &Inside) -> Option<Verdict> {
    inside.listens.is_empty().then(|| Verdict {
        summary: format!("container {} runs, and nothing inside it listens", container.name),
        check: format!(
            "what is it doing? It may still be starting, or wait for something: docker logs --tail \
             30 {}",
            container.name
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, container, container_id, name, unit},
        },
        observation::ProbeOutcome,
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_unit_that_is_active_after_its_start_script_ended_serves_nothing() {
        let exited =
            unit("legacy.service").claims(AT).up_since(900).with(|u| u.sub = "exited".into());
        let found = Host::passing_to(AT).unit(exited).refused(10, AT).root("app-not-listening");
        assert_eq!(found.subject.unit, Some(name("legacy.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-tcp-refused"));
    }

    #[test]
    fn a_wrapper_that_outlived_its_server_is_likely_with_what_it_said() {
        let found = Host::passing_to(AT)
            .unit(unit("wrapped.service").claims(AT).up_since(600))
            .process(100, "sh", "wrapped.service")
            .said("wrapped.service", 20, "Killed")
            .refused(10, AT)
            .root("app-not-listening");
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.evidence.iter().any(|e| e.what == "Killed"));
    }

    #[test]
    fn a_unit_that_was_started_a_moment_ago_is_given_time() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(10))
            .refused(2, AT)
            .spares("app-not-listening");
    }

    #[test]
    fn a_unit_that_listens_on_another_port_is_told_with_that_port() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(600))
            .process(100, "node", "shop.service")
            .listens("127.0.0.1:8001", 100)
            .refused(2, AT);
        host.spares("app-not-listening");
        host.root("upstream-port-wrong");
    }

    #[test]
    fn a_unit_in_a_network_of_its_own_is_told_so_and_not_as_starting() {
        let host = Host::passing_to(AT)
            .unit(unit("lonely.service").claims(AT).up_since(4).with(|u| u.main_pid = Some(100)))
            .process(100, "python3", "lonely.service")
            .in_netns(77)
            .refused(2, AT);
        let found = host.root("app-not-listening");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("PrivateNetwork="), "{}", found.summary);
        host.spares("app-boot-window");
    }

    fn crm(started: i64) -> Host {
        let crm = container("crm").publishes(8000, 80).with(|c| c.started = Some(ago(started)));
        Host::passing_to(AT)
            .container(crm)
            .listens(AT, 0)
            .probe(AT, ProbeOutcome::ClosedAtOnce)
            .reset(10, AT)
    }

    #[test]
    fn a_container_in_which_nothing_listens_is_named() {
        let found = crm(600).listens_inside(2, &["127.0.0.11:40211"]).root("app-not-listening");
        assert_eq!(found.subject.container, Some((container_id('c'), "crm".into())));
        assert_eq!(found.confidence, Confidence::Likely);
        let young = crm(5).listens_inside(2, &[]).root("app-not-listening");
        assert_eq!(young.confidence, Confidence::Possible, "it may be starting");
    }

    #[test]
    fn an_inside_that_cannot_be_seen_or_listens_is_none_of_it() {
        crm(600).spares("app-not-listening");
        crm(600).listens_inside(2, &["0.0.0.0:3000"]).spares("app-not-listening");
    }
}
