//! Docker's packet filter rules are gone: what it published leads nowhere.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin, SourceId},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "docker-iptables-flushed", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    // Rules that cannot be read are not missing.
    if scene.blind(SourceId::Firewall) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for backing in scene.containers() {
        let container = backing.who;
        let published = container.state == ContainerState::Running
            && !container.ports.is_empty()
            && !container.host_network;
        let chains = || backing.chains.iter().filter_map(|index| scene.chains.get(*index));
        let flushed = chains().any(|chain| {
            let netns = scene.case.netns_of(chain.gateway);
            let table = netns.and_then(|ns| scene.case.firewall.get(&ns));
            table.is_some_and(|table| table.docker_chains == Some(false))
        });
        let ids = [
            "sym-connect-timeout",
            "kernel-connect-timeout",
            "sym-no-route-async",
            "sym-tcp-refused",
        ];
        let line = chains().find_map(|chain| scene.facts_on(chain, &ids).next_back());
        let Some(line) = line.filter(|_| published && flushed) else { continue };
        // An engine that is told to leave the packet filter alone has no rules there either, so that
        // this is never proven; and a dead application would not answer as well.
        let listens =
            container.netns.and_then(|ns| scene.case.listeners.get(&ns)).is_some_and(|t| {
                let port = |l: &crate::observation::Listener| l.address.port();
                t.value
                    .listeners
                    .iter()
                    .any(|l| container.ports.iter().any(|p| Some(p.container_port) == port(l)))
            });
        let sure = if listens { Confidence::Likely } else { Confidence::Possible };
        let summary = format!(
            "container {} runs and its port is published, but the packet filter has none of \
             Docker's rules",
            container.name
        );
        found.push(
            about_container(scene, backing, RULE.cause, sure, summary)
                .with("no chain named DOCKER in the packet filter", Origin::Firewall, None)
                .with_some(Some(Scene::quote(line)))
                .since(Some(line.at))
                .check("who flushed it (a firewall reload, `iptables -F`, `nft flush ruleset`)?"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container},
        observation::{FirewallTable, NetNs, ProbeOutcome, Seen},
    };

    const AT: &str = "127.0.0.1:8000";
    const LATE: &str =
        "upstream timed out (110: Connection timed out) while connecting to upstream";

    fn filter(docker_chains: Option<bool>) -> Host {
        let table = FirewallTable { netns: NetNs(1), rules: Vec::new(), docker_chains };
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80))
            .listens_inside(2, &["0.0.0.0:80"])
            .probe(AT, ProbeOutcome::TimedOut)
            .nginx(10, LATE, AT)
            .sees(SourceId::Firewall, Seen::Firewall(table))
    }

    #[test]
    fn a_container_that_listens_and_is_not_reached_lost_its_rules() {
        filter(Some(false)).incident("docker-iptables-flushed", Confidence::Likely, "shop");
    }

    #[test]
    fn rules_that_are_there_or_out_of_sight_are_not_flushed() {
        filter(Some(true)).spares("docker-iptables-flushed");
        filter(None).spares("docker-iptables-flushed");
        filter(Some(false)).blind(SourceId::Firewall).spares("docker-iptables-flushed");
    }
}
