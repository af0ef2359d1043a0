//! Somebody else holds the port or socket that the unit needs.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::intruded},
    evidence::{LogFact, topology::Peer},
    observation::{Origin, Process, Unit, UnitActive},
};

use super::{
    contested::contested,
    rule::{Rule, about_unit, missed_units, state_words},
};

pub(super) const RULE: Rule = Rule { cause: "app-port-in-use", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_strangers(scene);
    let told = |found: &[Finding], unit: &Unit| {
        found.iter().any(|f| f.subject.unit.as_ref() == Some(&unit.name))
    };
    for unit in scene.case.units.values().filter(|unit| !unit.is_up()) {
        if told(&found, unit) {
            continue;
        }
        let lines = scene.facts_of_unit(unit, &[RULE.cause]);
        let own = |peer: &Peer<'_>| peer.unit.is_some_and(|holder| holder.name == unit.name);
        let Some((chain, peer, line)) = contested(scene, lines, &unit.claims, own) else {
            continue;
        };
        let held = Held::new(Some(peer), peer.processes.first().copied());
        let mut finding =
            Finding::new(RULE.cause, Confidence::Confirmed, held.summary(unit.name.as_str()))
                .about(scene.subject(&[chain.index]))
                .with(state_words(unit), Origin::Systemd(unit.name.clone()), unit.exec_exit)
                .with_some(scene.symptom(&[chain.index]))
                .since(Some(line.at));
        finding.subject.unit = Some(unit.name.clone());
        found.push(held.told(finding, Some(line)));
    }
    found
}

/// Where nothing that is made for the address holds it.
fn by_strangers(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| !b.who.is_up())
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-port-in-use"]).next_back();
            let intruder = backing
                .chains
                .iter()
                .filter_map(|i| scene.chains.get(*i))
                .flat_map(|chain| &chain.peers)
                .find(|peer| intruded(peer));
            let holder: Option<&Process> =
                intruder.and_then(|peer| peer.processes.first().copied());
            if line.is_none() && intruder.is_none() {
                return None;
            }
            // Who held the socket when the unit ended is why it ended.
            let ended = unit.exec_exit.or(unit.inactive_enter);
            let before = holder.and_then(|p| p.started).zip(ended).is_some_and(|(s, e)| s <= e);
            let confidence = match (line, holder) {
                (Some(_), _) => Confidence::Confirmed,
                (None, Some(_)) if before && unit.active == UnitActive::Failed => {
                    Confidence::Confirmed
                }
                (None, Some(_)) => Confidence::Likely,
                (None, None) => Confidence::Possible,
            };
            let held = Held::new(intruder, holder);
            let summary = held.summary(unit.name.as_str());
            let finding = about_unit(scene, backing, RULE.cause, confidence, summary);
            Some(held.told(finding, line))
        })
        .collect()
}

/// An address that somebody else holds, as far as it is known which and by whom.
pub(super) struct Held<'a> {
    at: String,
    /// What a manager calls the holder.
    known_as: Option<String>,
    holder: Option<&'a Process>,
}

impl<'a> Held<'a> {
    pub(super) fn new(intruder: Option<&Peer<'_>>, holder: Option<&'a Process>) -> Self {
        let at = intruder.map_or_else(|| "its address".to_owned(), |peer| peer.address.to_string());
        let known_as = intruder.and_then(|peer| {
            let program = peer.program.map(|program| program.id.to_string());
            program.or_else(|| peer.unit.map(|unit| unit.name.to_string()))
        });
        Self { at, known_as, holder }
    }

    pub(super) fn summary(&self, who: &str) -> String {
        let by = self.holder.map_or_else(
            || "another process".to_owned(),
            |process| format!("process {} ({})", process.pid, process.name),
        );
        let by = match &self.known_as {
            Some(name) => format!("{name}, {by}"),
            None => by,
        };
        format!("{who} cannot start: {} is held by {by}", self.at)
    }

    /// Adds the line that complains, the holder and the next check.
    pub(super) fn told(&self, finding: Finding, line: Option<&LogFact>) -> Finding {
        let finding = finding
            .with_some(line.map(Scene::quote))
            .check("is the holder an old instance of the same program? look at its start time");
        let Some(process) = self.holder else { return finding };
        let mut finding = finding.with(
            format!("{} holds {}: {}", process.pid, self.at, process.command),
            Origin::Process(process.pid),
            process.started,
        );
        finding.subject.pid = Some(process.pid);
        finding
    }
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

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn the_process_that_holds_the_port_of_a_failed_unit_is_named() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .said("shop.service", 60, "OSError: [Errno 98] Address already in use")
            .process(700, "python3", "session-2.scope")
            .listens(AT, 700)
            .answered(5, 502, Some("502"));
        let found = host.root("app-port-in-use");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.subject.pid, Some(700));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn the_line_proves_it_where_sockets_cannot_be_seen() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .said(
                "shop.service",
                60,
                "Error: listen EADDRINUSE: address already in use 127.0.0.1:8000",
            )
            .blind(SourceId::Listeners)
            .refused(10, AT);
        assert_eq!(host.root("app-port-in-use").confidence, Confidence::Confirmed);
    }

    #[test]
    fn the_green_half_of_a_pair_is_no_intruder_on_the_blue_one() {
        let host = Host::passing_to(AT)
            .unit(unit("shop-blue.service").claims(AT).stopped(3_600))
            .serves("shop-green.service", AT, 100)
            .traffic(1, 200, 10);
        assert_eq!(host.causes(), Vec::<&str>::new());
    }

    #[test]
    fn nor_is_it_when_the_owner_of_the_socket_is_out_of_sight() {
        let host = Host::passing_to(AT)
            .unit(unit("shop-blue.service").claims(AT).stopped(3_600))
            .unit(unit("shop-green.service").claims(AT).up_since(3_600))
            .listens(AT, 0)
            .traffic(1, 200, 10);
        assert_eq!(host.causes(), Vec::<&str>::new());
    }

    #[test]
    fn a_port_that_is_free_is_not_in_use() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .refused(10, AT)
            .spares("app-port-in-use");
    }
}
