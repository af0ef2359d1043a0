//! The backend switches the protocol and the gateway did not ask it to.

use crate::{
    diagnosis::{Finding, Scene},
    observation::GatewayKind,
};

use super::{by_gateway_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "unexpected-upgrade", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let kind = GatewayKind::Apache;
    let mut found = by_gateway_line::judge(scene, kind, RULE.cause, &[RULE.cause], |address, n| {
        let who = if address.is_empty() { "the backend" } else { address };
        format!(
            "{who} switches to another protocol (WebSocket) that Apache did not ask for ({n} requests)"
        )
    });
    for finding in &mut found {
        finding.next_check = Some(
            "does this path need ProxyPass with upgrade=websocket, or a ws:// URL?".to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:3000";

    #[test]
    fn a_switch_that_nobody_asked_for_is_told() {
        let line = "[proxy:error] [pid 11:tid 11] [client 127.0.0.1:4] AH00898: Unexpected Upgrade returned by /socket";
        let host =
            Host::apache().upstream(AT).serves("shop.service", AT, 100).apache_said(10, line);
        let found = host.root("unexpected-upgrade");
        assert_eq!(found.subject.upstreams.len(), 1);
        host.incident("unexpected-upgrade", Confidence::Confirmed, "3000");
    }

    #[test]
    fn a_backend_that_breaks_off_is_another_trouble() {
        let line = "[proxy:error] [pid 11:tid 11] [client 127.0.0.1:4] AH00898: Error reading from remote server returned by /socket";
        Host::apache()
            .upstream(AT)
            .serves("shop.service", AT, 100)
            .apache_said(10, line)
            .spares("unexpected-upgrade");
    }
}
