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
        let chain =
            scene.chains.iter().find(|c| finding.subject.upstreams.contains(&c.upstream.id));
        let Some(chain) = chain else { continue };
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
