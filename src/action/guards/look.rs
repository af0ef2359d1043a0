//! Which guard looks where.

use crate::{
    action::Tools,
    diagnosis::Diagnosis,
    evidence::CaseFile,
    remedy::{Action, Check, Guard, Plan},
};

use super::{
    config_test, container, crash_loop, dependants, drift, headroom, in_flight, memory, path,
    program, same_process, start_limit, unit, writable,
};

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

impl Ground<'_> {
    /// Whether a step before this one satisfies `what`.
    pub(super) fn is_before(&self, action: &Action, what: impl Fn(&Action) -> bool) -> bool {
        self.plan.steps.iter().take_while(|step| *step != action).any(what)
    }
}

/// Has one guard look at one action. Nothing on the machine is changed by it.
pub async fn look(guard: Guard, action: &Action, ground: Ground<'_>) -> Vec<Check> {
    match guard {
        Guard::Unit => unit::look(action, ground).await,
        Guard::CrashLoop => crash_loop::look(action, ground).await,
        Guard::StartLimit => start_limit::look(action, ground).await,
        Guard::Headroom => headroom::look(action, ground).await,
        Guard::Memory => memory::look(action, ground).await,
        Guard::Dependants => dependants::look(action, ground).await,
        Guard::InFlight => in_flight::look(action, ground),
        Guard::SameProcess => same_process::look(action, ground),
        Guard::Container => container::look(action, ground).await,
        Guard::Path => path::look(action),
        Guard::Program => program::look(action, ground).await,
        Guard::ConfigTest => config_test::look(action, ground).await,
        Guard::Drift => drift::look(action, ground).await,
        Guard::Writable => writable::look(action, ground).await,
    }
}
