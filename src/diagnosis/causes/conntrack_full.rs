//! The kernel's table of tracked connections is full: it drops new ones, and keeps those that stand.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, Text},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "conntrack-full", judge };

/// What a gateway sees of packets that are dropped.
const WAITS: [&str; 2] = ["sym-connect-timeout", "kernel-connect-timeout"];

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let line = scene.facts(&[RULE.cause]).next_back();
    let tracked = scene.case.settings.as_ref().and_then(|s| s.tracked);
    let full = tracked
        .filter(|(used, most)| *most > 0 && used.saturating_mul(50) >= most.saturating_mul(49));
    let waiting: Vec<usize> = scene
        .chains
        .iter()
        .filter(|chain| scene.facts_on(chain, &WAITS).next().is_some())
        .map(|chain| chain.index)
        .collect();
    let sure = match (line, full, waiting.is_empty()) {
        (Some(_), _, false) => Confidence::Confirmed,
        (Some(_), _, true) | (None, Some(_), false) => Confidence::Likely,
        _ => return Vec::new(),
    };
    let shown = tracked.map(|(used, most)| format!(" ({used} of {most})")).unwrap_or_default();
    let mut subject = scene.subject(&waiting);
    if subject.gateway.is_none() {
        subject.gateway = scene.gateways().next().map(|gateway| gateway.id.clone());
    }
    let mut finding = Finding::new(
        RULE.cause,
        sure,
        format!("the kernel's table of connections is full{shown}: new ones are dropped"),
    )
    .about(subject)
    .with_some(line.map(Scene::quote))
    .with_some(scene.symptom(&waiting))
    .since(line.map(|f| f.at).or(scene.incident.first))
    .check("sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max");
    if let Some((used, most)) = tracked {
        let path = Text::new("/proc/sys/net/netfilter/nf_conntrack_count");
        finding =
            finding.with(format!("{used} of {most} entries are in use"), Origin::Path(path), None);
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{Origin, Program},
    };

    const AT: &str = "192.0.2.7:8000";
    const LINE: &str = "nf_conntrack: nf_conntrack: table full, dropping packet";

    fn waiting() -> Host {
        Host::passing_to(AT).nginx(
            10,
            "upstream timed out (110: Connection timed out) while connecting to upstream",
            AT,
        )
    }

    #[test]
    fn a_full_table_beside_connects_that_time_out_is_why() {
        let host = waiting().settings(|s| s.tracked = Some((65_536, 65_536))).line(
            Program::Kernel,
            Origin::KernelLog,
            12,
            LINE,
        );
        host.incident("conntrack-full", Confidence::Confirmed, "192.0.2.7");
        assert!(host.root("conntrack-full").explains.contains(&"sym-connect-timeout"));
    }

    #[test]
    fn a_table_with_room_drops_nothing() {
        waiting().settings(|s| s.tracked = Some((9_000, 65_536))).spares("conntrack-full");
    }

    #[test]
    fn a_full_table_that_hurts_nobody_is_no_incident() {
        Host::passing_to(AT)
            .settings(|s| s.tracked = Some((65_536, 65_536)))
            .traffic(1, 200, 10)
            .spares("conntrack-full");
    }

    #[test]
    fn last_weeks_line_is_no_proof() {
        waiting().line(Program::Kernel, Origin::KernelLog, 600_000, LINE).spares("conntrack-full");
    }
}
