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
