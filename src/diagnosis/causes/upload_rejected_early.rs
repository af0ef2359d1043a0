//! The application answers, or hangs up, while an upload is still being sent to it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{LogFact, topology::PeerState},
    observation::Origin,
};

use super::{behind, by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "upload-rejected-early", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| c.state == PeerState::Up) {
        let ids = ["sym-reset-while-sending", "sym-send-failed"];
        let lines: Vec<&LogFact> = scene.facts_on(chain, &ids).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        // Where other requests are cut off too, it is not about uploads.
        let cut = ["sym-closed-before-header", "sym-reset-before-header"];
        let others = scene.facts_on(chain, &cut).any(|fact| !uploads(fact));
        if others || !lines.iter().all(|fact| uploads(fact)) || !behind::is_older(chain, first.at) {
            continue;
        }
        // A kept connection that was just closed breaks an upload in the same way.
        let kept = chain.upstream.keepalive > 0;
        let sure = if kept { Confidence::Possible } else { Confidence::Likely };
        let at = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let summary = format!(
            "{at} hangs up while the gateway still sends it an upload ({} times): too large for it?",
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .with("only requests with a body fail this way", last.origin.clone(), None)
            .with("the process behind it is older than the failures", Origin::Sockets, None)
            .since(Some(first.at))
            .check("the application's own limit for uploads, and what it logged at that second");
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

fn uploads(fact: &LogFact) -> bool {
    let request = fact.request.as_ref().map(crate::observation::Text::raw).unwrap_or_default();
    ["POST ", "PUT ", "PATCH "].iter().any(|method| request.starts_with(method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    const AT: &str = "127.0.0.1:8000";

    fn cut(host: Host, method: &str) -> Host {
        host.nginx_line(10, &format!(r#"writev() failed (104: Connection reset by peer) while sending request to upstream, client: 10.0.0.9, server: shop.lan, request: "{method} /up HTTP/1.1", upstream: "http://{AT}/up", host: "shop.lan""#))
    }

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    #[test]
    fn uploads_that_a_steady_process_cuts_off_are_likely_too_large() {
        cut(shop(), "POST").incident("upload-rejected-early", Confidence::Likely, "8000");
    }

    #[test]
    fn a_process_younger_than_the_failure_crashed() {
        let host =
            Host::passing_to(AT).process_since(100, "app", "shop.service", 5).listens(AT, 100);
        cut(host, "POST").spares("upload-rejected-early");
    }

    #[test]
    fn where_other_requests_are_cut_too_it_is_not_the_upload() {
        cut(cut(shop(), "POST"), "GET").spares("upload-rejected-early");
        cut(shop().closed(12, AT), "POST").spares("upload-rejected-early");
    }

    #[test]
    fn a_kept_connection_may_have_been_closed_for_another_reason() {
        let host =
            Host::new().upstream_with(AT, |u| u.keepalive = 16).serves("shop.service", AT, 100);
        cut(host, "POST").root("keepalive-race");
    }
}
