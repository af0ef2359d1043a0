//! Apache speaks AJP to a port that speaks something else.

use crate::{
    diagnosis::{Finding, Scene},
    observation::GatewayKind,
};

use super::{by_gateway_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "protocol-ajp-mismatch", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let kind = GatewayKind::Apache;
    let mut found = by_gateway_line::judge(scene, kind, RULE.cause, &[RULE.cause], |address, n| {
        let at = if address.is_empty() { "the backend" } else { address };
        format!("Apache speaks AJP to {at}, which answers in another language ({n} requests)")
    });
    for finding in &mut found {
        let gateway = finding.subject.gateway.clone();
        let sign = scene
            .facts(&[RULE.cause])
            .filter(|fact| fact.gateway == gateway)
            .filter_map(|fact| fact.captures.get("sig"))
            .next_back();
        finding.next_check = Some(match sign.map(crate::observation::Text::raw) {
            Some("4854") => "it is an HTTP port (4854 spells HT): use http://, or the port of the \
                             AJP connector"
                .to_owned(),
            Some("1503") => {
                "it is a TLS port: use https://, or the port of the AJP connector".to_owned()
            }
            _ => "which connector has that port in the server's configuration?".to_owned(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::Protocol,
    };

    const AT: &str = "127.0.0.1:8080";
    const LINE: &str =
        "[proxy_ajp:error] [pid 11:tid 12] AH01080: ajp_msg_check_header() got bad signature 4854";

    #[test]
    fn an_http_port_is_told_by_its_letters() {
        let host = Host::apache()
            .upstream_with(AT, |u| u.protocol = Protocol::Ajp)
            .serves("tomcat.service", AT, 100)
            .apache_said(10, LINE);
        let found = host.root("protocol-ajp-mismatch");
        assert_eq!(found.subject.upstreams.len(), 1, "the only AJP backend is the one");
        assert!(found.next_check.as_deref().unwrap_or_default().contains("HTTP port"));
        host.incident("protocol-ajp-mismatch", Confidence::Confirmed, "8080");
    }

    #[test]
    fn of_two_backends_none_is_blamed_without_proof() {
        let host = Host::apache()
            .upstream_with(AT, |u| u.protocol = Protocol::Ajp)
            .upstream_with("127.0.0.1:8009", |u| u.protocol = Protocol::Ajp)
            .serves("tomcat.service", AT, 100)
            .serves("other.service", "127.0.0.1:8009", 101)
            .apache_said(10, LINE);
        assert!(host.root("protocol-ajp-mismatch").subject.upstreams.is_empty());
    }
}
