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
