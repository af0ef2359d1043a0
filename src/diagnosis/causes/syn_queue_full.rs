//! More connections are half open than a socket may hold: the kernel says "possible SYN flooding".

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Origin, Program},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "syn-queue-full", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let lines: Vec<&LogFact> = scene
        .facts(&[RULE.cause])
        .filter(|fact| fact.program == Program::Kernel && fact.gateway.is_none())
        .collect();
    let mut found = Vec::new();
    if lines.is_empty() {
        return found;
    }
    for (chain, peer) in scene.peers() {
        // The kernel speaks of the half-open ones also where the accept queue is what is full.
        if !peer.local || peer.queue_full() {
            continue;
        }
        let own = lines
            .iter()
            .rfind(|fact| port_of(fact).is_some() && port_of(fact) == peer.address.port());
        let Some(line) = own else { continue };
        let late = scene.facts_on(chain, &["sym-connect-timeout"]).next_back();
        let sure = if late.is_some() { Confidence::Confirmed } else { Confidence::Likely };
        if late.is_none() && !scene.incident.present {
            continue;
        }
        let summary = format!(
            "the queue of half-open connections of {} is full: the kernel turns new ones away",
            peer.address
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with(line.text.to_string(), Origin::KernelLog, Some(line.at))
            .with_some(late.map(Scene::quote))
            .since(Some(line.at))
            .check("nstat -az TcpExtTCPReqQFullDrop; does it rise? who connects so often?");
        finding.current = still_current(scene, None, late.map_or(line.at, |f| f.at.max(line.at)));
        found.push(finding);
    }
    for gateway in scene.gateways() {
        let Some(config) = scene.case.configs.get(&gateway.id) else { continue };
        let listens = |port: u16| {
            config.sites.iter().flat_map(|s| &s.listens).any(|listen| {
                let first = listen.raw().split_whitespace().next().unwrap_or_default();
                first.rsplit(':').next().and_then(|p| p.parse().ok()) == Some(port)
            })
        };
        let line = lines.iter().rfind(|fact| port_of(fact).is_some_and(listens));
        let Some(line) = line.filter(|line| still_current(scene, None, line.at)) else { continue };
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Likely,
            format!(
                "more clients knock at {} than its queue of half-open connections holds: an attack \
                 or a rush",
                gateway.kind.as_str()
            ),
        )
        .with(line.text.to_string(), Origin::KernelLog, Some(line.at))
        .since(Some(line.at))
        .check("ss -Htn state syn-recv | awk '{print $4}' | sort | uniq -c | sort -rn | head");
        finding.subject.gateway = Some(gateway.id.clone());
        found.push(finding);
    }
    found
}

/// The port of `port 80` or, since Linux 6.2, `port 127.0.0.1:80`.
fn port_of(fact: &LogFact) -> Option<u16> {
    let told = fact.captures.get("port")?.raw();
    told.rsplit([':', '.']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    const AT: &str = "127.0.0.1:8000";
    const LATE: &str =
        "upstream timed out (110: Connection timed out) while connecting to upstream";

    fn flooded(port: &str) -> Host {
        let line = format!(
            "TCP: request_sock_TCP: Possible SYN flooding on port {port}. Dropping request."
        );
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .line(Program::Kernel, Origin::KernelLog, 11, &line)
            .nginx(10, LATE, AT)
    }

    #[test]
    fn the_kernels_word_about_the_backends_port_explains_the_timeouts() {
        let found = flooded("8000").root("syn-queue-full");
        assert!(found.explains.contains(&"sym-connect-timeout"));
        flooded("127.0.0.1:8000").incident("syn-queue-full", Confidence::Confirmed, "8000");
    }

    #[test]
    fn another_port_is_another_story() {
        flooded("9999").spares("syn-queue-full");
    }

    #[test]
    fn where_the_accept_queue_is_full_this_is_its_shadow() {
        let host = Host::passing_to(AT)
            .process(100, "app", "shop.service")
            .listens_with(AT, 100, |l| {
                l.queue = Some(2);
                l.backlog = Some(1);
            })
            .line(
                Program::Kernel,
                Origin::KernelLog,
                11,
                "TCP: request_sock_TCP: Possible SYN flooding on port 8000. Sending cookies.",
            )
            .nginx(10, LATE, AT);
        host.spares("syn-queue-full");
        host.root("tcp-accept-queue-full");
    }
}
