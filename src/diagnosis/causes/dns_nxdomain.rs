//! The name of the upstream does not exist.

use crate::{
    diagnosis::{Finding, Scene},
    observation::ResolutionOutcome,
};

use super::{dns_rule, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "dns-nxdomain", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let absent = |outcome: &ResolutionOutcome| matches!(outcome, ResolutionOutcome::NxDomain);
    dns_rule::judge(scene, RULE.cause, absent, "does not exist (NXDOMAIN)")
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::ResolutionOutcome,
    };

    #[test]
    fn a_name_that_does_not_exist_is_told_by_nginx_s_own_line() {
        let host = Host::new()
            .upstream_with("shop.internal:8000", |u| u.per_request = true)
            .resolves("shop.internal", None, ResolutionOutcome::NxDomain)
            .nginx_line(10, r#"shop.internal could not be resolved (3: Host not found), client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#);
        let found = host.root("dns-nxdomain");
        assert_eq!(found.subject.name, Some("shop.internal".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.subject.upstreams.len(), 1);
    }

    #[test]
    fn our_own_lookup_alone_is_likely() {
        let host = Host::new().upstream("shop.internal:8000").resolves(
            "shop.internal",
            None,
            ResolutionOutcome::NxDomain,
        );
        assert_eq!(host.root("dns-nxdomain").confidence, Confidence::Likely);
    }

    #[test]
    fn what_the_host_is_told_of_a_name_says_little_of_a_gateway_that_asks_nobody() {
        use crate::observation::SourceId;
        let host = Host::new()
            .upstream_with("shop.internal:8000", |u| u.per_request = true)
            .resolves("shop.internal", None, ResolutionOutcome::NxDomain)
            .blind(SourceId::Logs);
        let found = host.root("dns-no-resolver");
        assert!(found.confidence > Confidence::Possible);
        let findings = host.diagnose().findings;
        let mut others = findings.iter().filter(|f| f.cause == "dns-nxdomain");
        assert!(others.all(|f| f.confidence == Confidence::Possible), "{findings:#?}");
    }

    #[test]
    fn a_silent_resolver_does_not_say_that_the_name_does_not_exist() {
        Host::new()
            .upstream("shop.internal:8000")
            .resolves("shop.internal", None, ResolutionOutcome::TimedOut)
            .spares("dns-nxdomain");
    }

    #[test]
    fn a_name_that_nobody_passes_to_is_nobody_s_trouble() {
        Host::passing_to("127.0.0.1:8000")
            .resolves("old.internal", None, ResolutionOutcome::NxDomain)
            .spares("dns-nxdomain");
    }
}
