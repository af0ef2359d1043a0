//! Apache sets members of a balancer aside although they are well again.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Chain, PeerState},
    observation::{GatewayKind, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "apache-balancer-error-state", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways().filter(|g| g.kind == GatewayKind::Apache) {
        let lines: Vec<_> = scene
            .facts(&[RULE.cause])
            .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id))
            .collect();
        // Only this line says that a request was refused for it; the others only begin a pause.
        let mut refused = lines.iter().rev().filter_map(|fact| {
            let (_, name) = fact.captures.get("bal")?.raw().split_once("://")?;
            Some((*fact, name.to_ascii_lowercase()))
        });
        let Some((last, name)) = refused.next() else { continue };
        let members: Vec<&Chain<'_>> = scene
            .chains
            .iter()
            .filter(|c| c.gateway.id == gateway.id)
            .filter(|c| {
                c.upstream.group.as_ref().is_some_and(|g| g.raw().eq_ignore_ascii_case(&name))
            })
            .collect();
        // While a member is down, that is the trouble, and this only follows from it.
        let Some(well) = members.iter().find(|c| c.state == PeerState::Up) else { continue };
        let retry = well.upstream.params.fail_timeout_secs;
        let since = scene.now().since(last.at).as_secs();
        let waits = since <= i64::try_from(retry).unwrap_or(i64::MAX);
        let summary = format!(
            "Apache sets the members of balancer {name} aside for {retry} s after a failure, \
             although {} answers again",
            well.upstream.written
        );
        let mut finding = Finding::new(
            RULE.cause,
            if waits { Confidence::Confirmed } else { Confidence::Likely },
            summary,
        )
        .about(scene.subject_of(well))
        .with_some(Some(Scene::quote(last)))
        .with(format!("retry is {retry} s"), Origin::Config(well.upstream.place.clone()), None)
        .since(lines.first().map(|fact| fact.at))
        .check("it ends by itself; a graceful reload ends it at once");
        finding.subject.add_upstreams(members.iter().map(|c| c.upstream.id.clone()).collect());
        finding.current = waits && still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const A: &str = "10.0.0.5:8001";
    const B: &str = "10.0.0.5:8002";
    const ALL: &str = "[proxy_balancer:error] [pid 11:tid 11] [client 127.0.0.1:4] AH01170: balancer://shop: All workers are in error state";

    fn pool() -> Host {
        Host::apache().group("shop", &[A, B])
    }

    #[test]
    fn members_that_answer_again_wait_for_the_end_of_the_pause() {
        let host =
            pool().serves("a.service", A, 100).serves("b.service", B, 100).apache_said(10, ALL);
        let host = host.config(|c| {
            c.upstreams.iter_mut().for_each(|u| u.params.fail_timeout_secs = 60);
        });
        host.incident("apache-balancer-error-state", Confidence::Confirmed, "apache");
    }

    #[test]
    fn members_that_are_down_are_the_trouble_themselves() {
        let host = pool()
            .unit(unit("a.service").claims(A).stopped(60))
            .unit(unit("b.service").claims(B).stopped(60))
            .apache_said(10, ALL);
        host.spares("apache-balancer-error-state");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_plain_worker_is_tried_again_at_once() {
        let line = "[proxy:error] [pid 11:tid 11] AH00959: ap_proxy_connect_backend disabling worker for (10.0.0.5:8001) for 60s";
        Host::apache()
            .upstream(A)
            .serves("a.service", A, 100)
            .apache_said(10, line)
            .spares("apache-balancer-error-state");
    }
}
