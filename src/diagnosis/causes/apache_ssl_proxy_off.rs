//! Apache is to speak TLS to a backend and may not.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{GatewayKind, Origin},
};

use super::{by_gateway_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "apache-ssl-proxy-off", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let kind = GatewayKind::Apache;
    let mut found = by_gateway_line::judge(scene, kind, RULE.cause, &[RULE.cause], |address, n| {
        let to = if address.is_empty() { "a backend" } else { address };
        format!("Apache is to speak TLS to {to} without SSLProxyEngine on ({n} requests)")
    });
    for finding in &mut found {
        let Some(gateway) = &finding.subject.gateway else { continue };
        let told = scene.case.configs.get(gateway).and_then(|config| {
            config.problems.iter().find(|problem| problem.what.raw().contains("SSLProxyEngine"))
        });
        match told {
            Some(problem) => finding.evidence.push(Evidence {
                what: problem.what.to_string(),
                origin: Origin::Config(problem.place.clone()),
                at: None,
            }),
            // The same line is written when TLS cannot be set up for another reason.
            None => finding.confidence = finding.confidence.min(Confidence::Likely),
        }
        finding.next_check =
            Some("SSLProxyEngine on belongs into the virtual host of this ProxyPass".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{ConfigProblem, Place, ProblemKind, Protocol},
    };

    const AT: &str = "127.0.0.1:9019";
    const LINE: &str = "[proxy:error] [pid 11:tid 11] AH00961: https: failed to enable ssl support for 127.0.0.1:9019 (127.0.0.1)";

    fn host() -> Host {
        Host::apache()
            .upstream_with(AT, |u| u.protocol = Protocol::Https)
            .serves("shop.service", AT, 100)
            .apache_said(10, LINE)
    }

    #[test]
    fn the_switch_that_is_off_is_named_with_its_line() {
        let host = host().config(|config| {
            config.problems.push(ConfigProblem {
                kind: ProblemKind::Unknown,
                place: Place { file: "/etc/apache2/sites-enabled/shop.conf".into(), line: 4 },
                what: "TLS to a backend needs SSLProxyEngine on, and it is off here".into(),
            });
        });
        host.incident("apache-ssl-proxy-off", Confidence::Confirmed, "9019|apache");
    }

    #[test]
    fn where_the_switch_is_on_the_line_alone_is_not_enough() {
        assert_eq!(host().root("apache-ssl-proxy-off").confidence, Confidence::Likely);
    }
}
