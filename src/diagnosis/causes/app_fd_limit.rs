//! The application has no file descriptor left: it accepts a connection and drops it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Origin, Owner, ProcessLimits},
};

use super::{
    behind,
    by_signature::fails_with,
    by_upstream_line::still_current,
    rule::{Rule, about_container, about_unit},
};

pub(super) const RULE: Rule = Rule { cause: "app-fd-limit", judge };

/// Runtimes keep a descriptor or two back to be able to refuse (libuv keeps one).
const KEPT_BACK: u64 = 2;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        let owner = Owner::Unit(backing.who.name.clone());
        let mut lines: Vec<&LogFact> = scene.facts_of_unit(backing.who, &[RULE.cause]).collect();
        lines.extend(told(scene, &backing.chains));
        let Some(look) = look(scene, &backing.chains, &owner, lines) else { continue };
        let summary = format!("{} {}", backing.who.name, look.words());
        let finding = about_unit(scene, backing, RULE.cause, look.sure, summary);
        found.push(look.prove(scene, finding));
    }
    for backing in scene.containers() {
        let owner = Owner::Container(backing.who.id.clone());
        let mut lines: Vec<&LogFact> =
            scene.facts_of_container(backing.who, &[RULE.cause]).collect();
        lines.extend(told(scene, &backing.chains));
        let Some(look) = look(scene, &backing.chains, &owner, lines) else { continue };
        let summary = format!("container {} {}", backing.who.name, look.words());
        let finding = about_container(scene, backing, RULE.cause, look.sure, summary);
        found.push(look.prove(scene, finding));
    }
    found
}

/// What the gateway repeats of the application's own words (PHP over FastCGI).
fn told<'s>(scene: &'s Scene<'_>, chains: &[usize]) -> Vec<&'s LogFact> {
    let chains = chains.iter().filter_map(|index| scene.chains.get(*index));
    chains.flat_map(|chain| scene.facts_on(chain, &["app-fd-limit"])).collect()
}

struct Look<'s> {
    lines: Vec<&'s LogFact>,
    limits: Option<&'s ProcessLimits>,
    full: bool,
    sure: Confidence,
}

fn look<'s>(
    scene: &'s Scene<'_>,
    chains: &[usize],
    owner: &Owner,
    mut lines: Vec<&'s LogFact>,
) -> Option<Look<'s>> {
    lines.sort_by_key(|fact| fact.at);
    let peers = chains.iter().filter_map(|i| scene.chains.get(*i)).flat_map(|c| &c.peers);
    let limits = peers
        .filter_map(|peer| behind::fullest(scene, peer, Some(owner)))
        .min_by_key(|l| l.max_open_files.saturating_sub(l.open_files.unwrap_or_default()));
    let full = limits.is_some_and(|l| {
        l.open_files.is_some_and(|open| open.saturating_add(KEPT_BACK) >= l.max_open_files)
    });
    let failing = scene.failing_lately(chains);
    let with_lines = lines.iter().any(|f| f.gateway.is_some() || fails_with(scene, chains, f.at));
    let sure = match (full, lines.is_empty(), failing) {
        (true, _, true) => Confidence::Confirmed,
        (_, false, true) if with_lines => Confidence::Confirmed,
        (true, _, false) | (_, false, true) => Confidence::Likely,
        _ => return None,
    };
    Some(Look { lines, limits, full, sure })
}

impl Look<'_> {
    fn words(&self) -> String {
        let count = self.limits.and_then(|l| Some((l.open_files?, l.max_open_files)));
        match count.filter(|_| self.full) {
            Some((open, max)) => format!(
                "has {open} of {max} file descriptors open: it takes connections and drops them"
            ),
            None => "ran out of file descriptors".to_owned(),
        }
    }

    fn prove(&self, scene: &Scene<'_>, mut finding: Finding) -> Finding {
        if let Some(limits) = self.limits {
            let open = limits.open_files.unwrap_or_default();
            finding = finding.with(
                format!(
                    "process {} has {open} of {} files open",
                    limits.pid, limits.max_open_files
                ),
                Origin::Process(limits.pid),
                None,
            );
            finding.subject.pid = Some(limits.pid);
        }
        if let Some(last) = self.lines.last() {
            finding = finding.with_some(Some(Scene::quote(last)));
            finding.current = self.full || still_current(scene, None, last.at);
        }
        finding.since(self.lines.first().map(|f| f.at).or(scene.incident.first)).check(
            "what are the open files? ls -l /proc/PID/fd: a leak, or a limit that is too low",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::Host,
        observation::{Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn shop(open: u64) -> Host {
        let limits = ProcessLimits { pid: 100, open_files: Some(open), max_open_files: 64 };
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .sees(SourceId::Processes, Seen::Limits(limits))
    }

    #[test]
    fn node_without_descriptors_resets_in_silence_and_its_count_proves_it() {
        shop(63).reset(10, AT).incident("app-fd-limit", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn resets_of_a_process_with_descriptors_left_are_something_else() {
        shop(30).reset(10, AT).spares("app-fd-limit");
    }

    #[test]
    fn its_own_words_prove_it_when_requests_fail_with_them() {
        let words = "Error: EMFILE: too many open files, open '/dev/null'";
        let host = shop(20).said("shop.service", 10, words);
        host.clone().spares("app-fd-limit");
        assert_eq!(host.closed(10, AT).root("app-fd-limit").confidence, Confidence::Confirmed);
    }

    #[test]
    fn it_stands_above_the_race_that_resets_look_like() {
        let limits = ProcessLimits { pid: 100, open_files: Some(64), max_open_files: 64 };
        let host = Host::new()
            .upstream_with(AT, |u| u.keepalive = 16)
            .serves("shop.service", AT, 100)
            .sees(SourceId::Processes, Seen::Limits(limits))
            .reset(10, AT);
        assert!(host.root("app-fd-limit").explains.contains(&"keepalive-race"));
    }
}
