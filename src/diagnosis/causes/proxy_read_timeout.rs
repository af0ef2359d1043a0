//! The upstream takes longer than the gateway waits: a 504.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::{by_upstream_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "proxy-read-timeout", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        RULE.cause,
        &["proxy-read-timeout"],
        Confidence::Confirmed,
        |address, n| {
            format!(
                "{address} is too slow: the gateway stopped waiting ({n} times) and answered 504"
            )
        },
    );
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        let read = &chain.upstream.timeouts.read;
        let what = format!(
            "the read timeout is {} ms{}",
            read.value,
            if read.place.is_some() { "" } else { ", the default" }
        );
        let place = read.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
        finding.evidence.push(crate::diagnosis::Evidence {
            what,
            origin: Origin::Config(place),
            at: None,
        });
        finding.next_check = Some(
            "what is the application waiting for? A longer timeout hides it and holds more workers"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:8000";
    const SLOW: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    #[test]
    fn an_upstream_slower_than_the_gateway_waits_is_told_with_the_limit() {
        let host = Host::new()
            .upstream_with(AT, |u| u.timeouts.read.value = 60_000)
            .serves("shop.service", AT, 100)
            .nginx(10, SLOW, AT)
            .nginx(20, SLOW, AT);
        let found = host.root("proxy-read-timeout");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("2 times"), "{}", found.summary);
        assert!(found.evidence.iter().any(|e| e.what.contains("60000 ms")));
    }

    #[test]
    fn a_timeout_of_the_connect_is_another_trouble() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx(
                10,
                "upstream timed out (110: Connection timed out) while connecting to upstream",
                AT,
            )
            .spares("proxy-read-timeout");
    }

    #[test]
    fn a_timeout_of_yesterday_is_not_one_of_today() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .nginx(86_400, SLOW, AT)
            .refused(10, AT)
            .spares("proxy-read-timeout");
    }
}
