//! The unit was started a moment ago and does not listen yet.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, Nearness, PeerState},
    observation::{Origin, SocketFileKind, UnitActive},
};

use super::{
    app_not_listening::in_own_network,
    rule::{Rule, about_unit, missed_units},
};

pub(super) const RULE: Rule = Rule { cause: "app-boot-window", judge };

/// How long a start may take before silence is suspicious, seconds.
const WINDOW_SECS: i64 = 30;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| matches!(b.who.active, UnitActive::Active | UnitActive::Activating))
        .filter(|b| b.who.sub.raw() != "auto-restart" && b.who.restarts == 0)
        // What only stays active after its program ended (`RemainAfterExit=`) starts no more.
        .filter(|b| b.who.sub.raw() != "exited")
        .filter(|b| is_silent(scene, &b.chains))
        .filter(|b| !has_no_place(scene, &b.chains))
        .filter(|b| in_own_network(scene, b).is_none())
        .filter_map(|backing| {
            let unit = backing.who;
            let at = unit.exec_start?;
            let age = scene.now().since(at).as_secs();
            let had = scene.has_listened_since(&backing.chains, at);
            if !(0..=WINDOW_SECS).contains(&age) || had {
                return None;
            }
            let summary = format!("{} was started {age} s ago and does not listen yet", unit.name);
            let mut finding =
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with("its main process started", Origin::Systemd(unit.name.clone()), Some(at))
                    .check("wait: nothing is to be done unless it stays silent");
            finding.since = Some(at);
            Some(finding)
        })
        .collect()
}

/// Whether nothing listens where the chains lead, nor on the same port beside it: a listener that
/// cannot be reached is another trouble.
fn is_silent(scene: &Scene<'_>, chains: &[usize]) -> bool {
    let peers = chains.iter().filter_map(|i| scene.chains.get(*i)).flat_map(|c| &c.peers);
    let mut down = peers.filter(|p| p.state == PeerState::Down).peekable();
    down.peek().is_some()
        && down.all(|peer| {
            let beside = peer.nearby.iter().any(|n| n.nearness == Nearness::SamePort);
            peer.listening == Listening::No && !beside
        })
}

/// Whether the socket's directory is missing: no wait makes it.
fn has_no_place(scene: &Scene<'_>, chains: &[usize]) -> bool {
    chains
        .iter()
        .filter_map(|i| scene.chains.get(*i))
        .flat_map(|c| &c.peers)
        .any(|peer| peer.socket.is_some_and(|socket| socket.kind == SocketFileKind::ParentMissing))
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, name, unit},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_unit_started_a_moment_ago_is_given_time() {
        let host =
            Host::passing_to(AT).unit(unit("shop.service").claims(AT).up_since(4)).refused(2, AT);
        let found = host.root("app-boot-window");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    /// What systemd knows of a kill may come a moment after the socket is gone.
    #[test]
    fn a_unit_that_lost_its_socket_since_its_start_is_not_booting() {
        use crate::{
            diagnosis::testing::case_of,
            evidence::Signatures,
            observation::{Seen, SourceId},
        };
        let gone =
            Host::passing_to(AT).unit(unit("shop.service").claims(AT).up_since(4)).refused(0, AT);
        let before = gone.clone().listens(AT, 100).observations();
        let mut seen = before;
        let empty = gone.observations().into_iter().find(|o| matches!(o.seen, Seen::Listeners(_)));
        seen.extend(empty);
        let lost = case_of(&seen);
        assert!(lost.heard.contains_key(&SourceId::Listeners));
        let found = crate::diagnosis::diagnose(&lost, Signatures::embedded()).findings;
        assert!(found.iter().all(|f| f.cause != "app-boot-window"), "{found:#?}");
        gone.root("app-boot-window");
    }

    #[test]
    fn a_unit_that_has_run_for_minutes_without_listening_is_not_booting() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(300))
            .refused(2, AT)
            .spares("app-boot-window");
    }

    #[test]
    fn a_unit_that_listens_on_the_port_at_another_address_is_not_booting() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(4))
            .process(100, "gunicorn", "shop.service")
            .listens("127.0.0.2:8000", 100)
            .refused(2, AT)
            .spares("app-boot-window");
    }

    #[test]
    fn a_unit_whose_program_ended_and_that_stays_active_is_not_booting() {
        let done = unit("shop.service").claims(AT).up_since(4).with(|u| u.sub = "exited".into());
        Host::passing_to(AT).unit(done).refused(2, AT).spares("app-boot-window");
    }

    #[test]
    fn a_unit_between_two_automatic_restarts_is_not_booting() {
        let looping = unit("shop.service").claims(AT).up_since(2).restarts(4, "always").waiting();
        Host::passing_to(AT).unit(looping).refused(2, AT).spares("app-boot-window");
    }
}
