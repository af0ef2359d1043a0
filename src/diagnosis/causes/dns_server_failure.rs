//! The gateway's resolver does not answer, or answers with an error.

use crate::{
    diagnosis::{Finding, Scene},
    observation::ResolutionOutcome,
};

use super::{dns_rule, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "dns-server-failure", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let failed = |outcome: &ResolutionOutcome| {
        matches!(outcome, ResolutionOutcome::TimedOut | ResolutionOutcome::ServerFailure(_))
    };
    dns_rule::judge(
        scene,
        RULE.cause,
        failed,
        "cannot be looked up: the resolver does not answer or fails",
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, address},
        },
        observation::{Place, ResolutionOutcome, Resolver},
    };

    const LINE: &str = r#"shop.internal could not be resolved (110: Operation timed out), client: 10.0.0.9, server: shop.lan, request: "GET / HTTP/1.1", host: "shop.lan""#;

    fn host() -> Host {
        Host::new().upstream_with("shop.internal:8000", |u| {
            u.per_request = true;
            u.resolver = Some(Resolver {
                servers: vec![address("10.0.0.53:53")],
                timeout_ms: 30_000,
                place: Place { file: "/etc/nginx/nginx.conf".into(), line: 3 },
            });
        })
    }

    #[test]
    fn a_resolver_that_does_not_answer_is_told_by_nginx_s_own_line() {
        let host = host()
            .resolves("shop.internal", Some("10.0.0.53:53"), ResolutionOutcome::TimedOut)
            .nginx_line(10, LINE);
        let found = host.root("dns-server-failure");
        assert_eq!(found.subject.name, Some("shop.internal".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn the_host_s_own_resolver_proves_nothing_of_the_one_that_nginx_asks() {
        host()
            .resolves("shop.internal", None, ResolutionOutcome::TimedOut)
            .spares("dns-server-failure");
    }

    #[test]
    fn a_name_that_does_not_exist_is_not_a_failing_server() {
        let host =
            host().resolves("shop.internal", Some("10.0.0.53:53"), ResolutionOutcome::NxDomain);
        host.spares("dns-server-failure");
        host.root("dns-nxdomain");
    }

    #[test]
    fn a_server_that_answers_again_is_not_failing() {
        let found = [[10, 0, 0, 9].into()].to_vec();
        host()
            .resolves("shop.internal", Some("10.0.0.53:53"), ResolutionOutcome::Found(found))
            .nginx_line(10, LINE)
            .spares("dns-server-failure");
    }
}
