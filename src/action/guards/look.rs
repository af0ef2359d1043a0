//! Which guard looks where.

use crate::{
    action::Tools,
    diagnosis::Diagnosis,
    evidence::CaseFile,
    remedy::{Action, Check, Guard, Plan},
};

use super::{config_test, drift, writable};

/// What guards look at: the plan, the evidence as it stands now, and the machine, read only.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The whole plan.
    pub plan: &'a Plan,
    /// The evidence.
    pub case: &'a CaseFile,
    /// What it amounts to.
    pub diagnosis: &'a Diagnosis,
    /// Where to reach.
    pub tools: &'a Tools,
}

/// Has one guard look at one action. Nothing on the machine is changed by it.
pub async fn look(guard: Guard, action: &Action, ground: Ground<'_>) -> Vec<Check> {
    match guard {
        Guard::ConfigTest => config_test::look(action, ground).await,
        Guard::Drift => drift::look(action, ground).await,
        Guard::Writable => writable::look(action, ground).await,
        _ => vec![Check::refused(guard, "not yet")],
    }
}
