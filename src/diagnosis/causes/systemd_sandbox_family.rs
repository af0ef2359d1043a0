//! The sandbox of the gateway's own unit keeps it from the kind of socket that it needs.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "systemd-sandbox-family", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let unit = scene.unit_of_gateway(gateway);
        let limits = unit.map(|unit| unit.network_limits.as_slice()).unwrap_or_default();
        let line = scene.facts(&[RULE.cause]).rfind(|f| {
            let own = unit.is_some_and(|u| f.origin == Origin::Journal(u.name.clone()));
            f.gateway.as_ref() == Some(&gateway.id) || own
        });
        let Some(line) = line else { continue };
        let limit = limits.iter().find(|limit| limit.raw().starts_with("RestrictAddressFamilies="));
        // Without such a setting the kernel itself may lack the family (IPv6 switched off).
        let sure = if limit.is_some() { Confidence::Confirmed } else { Confidence::Possible };
        let summary = match (limit, unit) {
            (Some(limit), Some(unit)) => {
                format!("{} may not open such a socket: {limit}", unit.name)
            }
            _ => format!(
                "{} cannot open a socket of the family that it needs",
                gateway.kind.as_str()
            ),
        };
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .with_some(Some(Scene::quote(line)))
            .since(Some(line.at));
        finding = match (limit, unit) {
            (Some(limit), Some(unit)) => finding
                .with(limit.to_string(), Origin::Systemd(unit.name.clone()), None)
                .check(format!("systemctl cat {} | grep -n RestrictAddressFamilies", unit.name)),
            _ => finding.check("is IPv6 off in this kernel (ipv6.disable=1), with a listen [::] in the configuration?"),
        };
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.unit = unit.map(|unit| unit.name.clone());
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

    const AT: &str = "127.0.0.1:8000";
    const LINE: &str = "socket() [::]:80 failed (97: Address family not supported by protocol)";

    fn host() -> Host {
        Host::passing_to(AT).gateway(|g| g.running = false).nginx_line(30, LINE)
    }

    fn nginx(limits: &[&str]) -> crate::diagnosis::testing::UnitSeen {
        let limits = limits.iter().map(|l| (*l).into()).collect();
        unit("nginx.service").exited(1, 30).with(|u| u.network_limits = limits)
    }

    #[test]
    fn a_family_that_the_unit_may_not_use_keeps_the_gateway_from_starting() {
        let host = host().unit(nginx(&["RestrictAddressFamilies=AF_INET AF_UNIX"]));
        host.incident("systemd-sandbox-family", Confidence::Confirmed, r"nginx\.service");
        assert!(host.root("systemd-sandbox-family").explains.contains(&"proxy-not-running"));
    }

    #[test]
    fn without_such_a_setting_the_kernel_may_lack_the_family() {
        let diagnosis = host().unit(nginx(&[])).diagnose();
        let found = diagnosis.findings.iter().find(|f| f.cause == "systemd-sandbox-family");
        assert_eq!(found.map(|f| f.confidence), Some(Confidence::Possible));
    }

    #[test]
    fn a_sandbox_that_hurts_nobody_is_not_told() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .unit(unit("nginx.service").with(|u| {
                u.network_limits = vec!["RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX".into()];
            }))
            .spares("systemd-sandbox-family");
    }
}
