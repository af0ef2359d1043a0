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
            Confidence, Status,
            testing::{Host, address},
        },
        observation::{Place, ResolutionOutcome, Resolver, SourceId},
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

    const SERVER: Option<&str> = Some("10.0.0.53:53");

    #[test]
    fn a_slow_answer_is_no_failure_while_the_gateway_waits_longer() {
        let slow = host().resolves("shop.internal", SERVER, ResolutionOutcome::TimedOut);
        let served = slow.clone().traffic(1, 200, 9);
        served.spares("dns-server-failure");
        assert_eq!(served.diagnose().status, Status::Healthy);
        // The host may well know nothing of a name that only the gateway's resolver knows.
        served
            .resolves("shop.internal", None, ResolutionOutcome::NxDomain)
            .spares("dns-server-failure");
        // Without a request nobody can say.
        assert_eq!(slow.diagnose().status, Status::Unknown);
        slow.spares("dns-server-failure");
    }

    #[test]
    fn a_slow_name_that_is_looked_up_at_the_start_only_takes_nothing_away() {
        let host = Host::passing_to("shop.internal:8000")
            .resolves("shop.internal", None, ResolutionOutcome::TimedOut)
            .traffic(1, 200, 9);
        host.spares("dns-server-failure");
        assert_eq!(host.diagnose().status, Status::Healthy);
    }

    #[test]
    fn a_slow_answer_is_possible_where_the_gateways_word_is_out_of_sight() {
        let found = host()
            .resolves("shop.internal", SERVER, ResolutionOutcome::TimedOut)
            .blind(SourceId::Logs)
            .root("dns-server-failure");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.summary.contains("within a second"), "{}", found.summary);
    }

    #[test]
    fn a_gateway_that_waits_no_longer_than_we_do_waits_in_vain() {
        let hasty = host().config(|c| {
            let resolver = c.upstreams.iter_mut().filter_map(|u| u.resolver.as_mut());
            resolver.for_each(|r| r.timeout_ms = 1_000);
        });
        let found = hasty
            .resolves("shop.internal", SERVER, ResolutionOutcome::TimedOut)
            .root("dns-server-failure");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn a_second_server_that_answers_is_enough() {
        let found = [[10, 0, 0, 9].into()].to_vec();
        host()
            .resolves("shop.internal", SERVER, ResolutionOutcome::ServerFailure("SERVFAIL".into()))
            .resolves("shop.internal", Some("10.0.0.54:53"), ResolutionOutcome::Found(found))
            .spares("dns-server-failure");
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
