//! Docker itself does not run, and with it what it published.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, PeerState},
    observation::{Origin, Owner, Unit, UnitActive, UnitName},
};

use super::rule::{Rule, down_since, state_words};

pub(super) const RULE: Rule = Rule { cause: "docker-daemon-down", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let Some((unit, wanted)) = engine(scene) else { return Vec::new() };
    let since = down_since(unit);
    let mut chains = Vec::new();
    let mut known = false;
    for (index, chain) in scene.chains.iter().enumerate() {
        let orphaned = chain.peers.iter().any(|peer| {
            let down =
                peer.state == PeerState::Down
                    && peer.listening != Listening::Yes
                    && !peer.candidates.iter().filter(|c| c.is_claimed()).any(|c| {
                        c.program.is_some() || c.unit.is_some_and(|u| u.name != unit.name)
                    });
            let was_its = match scene.case.history.get(&peer.address) {
                Some(Owner::Container(_)) => true,
                Some(Owner::Unit(name)) => *name == unit.name,
                Some(Owner::Program(_)) => false,
                None => peer.container.is_some(),
            };
            known |= down && was_its;
            down
        });
        if orphaned && !chain.upstream.routes.is_empty() {
            chains.push(index);
        }
    }
    if chains.is_empty() || !(known || wanted) {
        return Vec::new();
    }
    let failed = matches!(unit.active, UnitActive::Failed);
    // An engine that is installed and that nobody uses is down on many hosts.
    let recent = since
        .zip(scene.incident.first)
        .is_some_and(|(down, first)| first.since(down).as_secs().abs() <= 120);
    let sure = match (known, failed || recent) {
        (true, _) => Confidence::Confirmed,
        (false, true) => Confidence::Likely,
        (false, false) => Confidence::Possible,
    };
    let mut subject = scene.subject(&chains);
    subject.unit = Some(unit.name.clone());
    let summary = format!("{} does not run: no container answers", unit.name);
    vec![
        Finding::new(RULE.cause, sure, summary)
            .about(subject)
            .with(state_words(unit), Origin::Systemd(unit.name.clone()), since)
            .with_some(scene.symptom(&chains))
            .with_some(super::rule::last_words(scene, unit))
            .since(since.or(scene.incident.first))
            .check("journalctl -u docker -n 30: why did it end?"),
    ]
}

/// The engine's unit, where it is installed and does not run, and whether anybody wants it to.
fn engine<'a>(scene: &Scene<'a>) -> Option<(&'a Unit, bool)> {
    let name = UnitName::new("docker.service").ok()?;
    let unit = scene.case.units.get(&name)?;
    let down = matches!(unit.active, UnitActive::Failed | UnitActive::Inactive);
    let wanted = unit.active == UnitActive::Failed
        || unit.file_state.raw().starts_with("enabled")
        || unit.inactive_enter.is_some();
    down.then_some((unit, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container, unit},
        observation::SourceId,
    };

    const AT: &str = "127.0.0.1:8000";

    /// The port forwarder belonged to Docker's own unit while it ran.
    fn forwarded() -> Host {
        let before =
            Host::passing_to(AT).process(200, "docker-proxy", "docker.service").listens(AT, 200);
        let mut host = Host::passing_to(AT);
        for seen in before.observations() {
            if matches!(
                seen.seen,
                crate::observation::Seen::Processes(_) | crate::observation::Seen::Listeners(_)
            ) {
                host = host.sees(seen.source, seen.seen);
            }
        }
        let now = Host::passing_to(AT);
        for seen in now.observations() {
            if matches!(
                seen.seen,
                crate::observation::Seen::Processes(_) | crate::observation::Seen::Listeners(_)
            ) {
                host = host.sees(seen.source, seen.seen);
            }
        }
        host
    }

    #[test]
    fn an_address_that_docker_held_goes_down_with_it() {
        let host = forwarded().unit(unit("docker.service").exited(1, 60)).refused(10, AT);
        let found = host.root("docker-daemon-down");
        assert_eq!(found.confidence, Confidence::Confirmed);
        host.incident("docker-daemon-down", Confidence::Confirmed, r"docker\.service");
    }

    #[test]
    fn a_container_that_the_engine_wrote_down_had_the_address() {
        let tours = container("tours").publishes(8000, 80).exited(137, 60);
        let host = Host::passing_to(AT)
            .unit(unit("docker.service").never_ran("disabled"))
            .container(tours)
            .blind_to(SourceId::Docker, "/run/docker.sock")
            .refused(10, AT);
        let found = host.root("docker-daemon-down");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"container-exited"));
    }

    #[test]
    fn an_idle_engine_beside_a_stopped_service_is_not_the_cause() {
        let host = Host::passing_to(AT)
            .unit(unit("docker.service").stopped(50_000))
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT);
        host.spares("docker-daemon-down");
        host.root("app-unit-stopped");
    }

    #[test]
    fn an_engine_that_runs_is_none_of_it() {
        let host = forwarded().unit(unit("docker.service").up_since(80_000)).refused(10, AT);
        host.spares("docker-daemon-down");
    }
}
