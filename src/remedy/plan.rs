//! A repair, complete before it begins.

use serde::{Deserialize, Serialize};

use crate::{
    observation::{GatewayId, UpstreamId},
    verification::Expectation,
};

use super::{Action, Digest, Guard, UnitSetting};

/// A repair of one finding. Whoever carries it out has no choice left; what was shown to a person
/// is what [`Plan::digest`] covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Id of the remedy, as causes and playbooks name it: `start-unit`, `edit-config`.
    pub remedy: String,
    /// Id of the cause that it is to cure.
    pub cause: String,
    /// Whom the cause concerns: a unit, a container, an address.
    pub whom: String,
    /// The finding in one sentence: why this is done.
    pub why: String,
    /// What is done, in this order; the next only when the one before went well.
    pub steps: Vec<Action>,
    /// What is promised.
    pub expect: Expectation,
    /// How far it reaches.
    pub blast: Blast,
}

/// What a plan touches beside what it repairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// Upstreams that lead to what is acted on and work now.
    pub working: Vec<UpstreamId>,
    /// Virtual hosts whose requests are interrupted, by name.
    pub sites: Vec<String>,
}

/// Virtual hosts that may be interrupted without the unit's name being typed.
pub const SITES_AT_ONCE: usize = 1;
/// Requests in flight that may be dropped without the unit's name being typed.
pub const DROPPED_AT_ONCE: u64 = 10;

impl Plan {
    /// What it does, in one line.
    pub fn words(&self) -> String {
        let steps: Vec<String> = self.steps.iter().map(Action::words).collect();
        steps.join(", then ")
    }

    /// One word for a footer: what the key does now.
    pub fn short(&self) -> &'static str {
        match self.steps.iter().find(|step| !matches!(step, Action::ResetFailed { .. })) {
            Some(
                Action::StartUnit { .. }
                | Action::StartContainer { .. }
                | Action::StartProgram { .. },
            ) => "start",
            Some(
                Action::RestartUnit { .. }
                | Action::RestartGateway { .. }
                | Action::RestartContainer { .. }
                | Action::RestartProgram { .. },
            ) => "restart",
            Some(
                Action::ReloadUnit { .. }
                | Action::ReloadGateway { .. }
                | Action::ReloadProgram { .. },
            ) => "reload",
            Some(Action::StopUnit { .. }) => "stop",
            Some(Action::EnableUnit { .. }) => "enable",
            Some(Action::LimitUnit { settings, .. }) if UnitSetting::is_policy(settings) => {
                "policy"
            }
            Some(Action::LimitUnit { .. } | Action::LimitContainer { .. }) => "limit",
            Some(Action::UnpauseContainer { .. }) => "unpause",
            Some(Action::ComposeUp { .. }) => "compose up",
            Some(Action::EditFile(_)) => "edit",
            Some(Action::SetSocketAccess { .. } | Action::AllowTraverse { .. }) => "permit",
            Some(Action::EndProcess { .. }) => "end",
            Some(Action::ResetFailed { .. }) | None => "reset",
        }
    }

    /// Fingerprint of everything in it.
    pub fn digest(&self) -> Digest {
        // A plan holds nothing that JSON cannot hold.
        let json = serde_json::to_vec(self).unwrap_or_default();
        Digest::of_parts(&[b"plan", &json])
    }

    /// Everything that must be looked at before, once each.
    pub fn guards(&self) -> Vec<Guard> {
        let mut all: Vec<Guard> = self.steps.iter().flat_map(Action::guards).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether it can be taken back: every step can, or needs nothing once the others are. A reload
    /// that follows an edit is done again with the old file.
    pub fn reversible(&self) -> bool {
        let edits = self.rolls_back();
        let moot = |step: &Action| match step {
            Action::ResetFailed { .. } => true,
            Action::ReloadGateway { .. } | Action::ReloadUnit { .. } => edits,
            _ => false,
        };
        self.steps.iter().any(Action::reversible)
            && self.steps.iter().all(|step| step.reversible() || moot(step))
    }

    /// Gateways that read their configuration again.
    pub fn reloads(&self) -> Vec<GatewayId> {
        let reload = |step: &Action| match step {
            Action::ReloadGateway { gateway, .. } => Some(gateway.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(reload).collect()
    }

    /// Whether a bad outcome is taken back by itself: only what was edited and reloaded can be.
    pub fn rolls_back(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Action::EditFile(_)))
    }

    /// The name that must be typed when much is at stake: the unit's, the container's, the
    /// process's.
    pub fn name_to_type(&self) -> String {
        let named = self.steps.iter().find_map(|step| match step {
            Action::EndProcess { name, .. } => Some(name.to_string()),
            step => step
                .unit()
                .map(ToString::to_string)
                .or_else(|| step.container().map(|(_, name)| name.to_string()))
                .or_else(|| step.program().map(|call| call.program.name.to_string())),
        });
        named.unwrap_or_else(|| self.whom.clone())
    }

    /// Whether the name must be typed whatever the checks find: a process is ended by hand, or a
    /// stop or restart interrupts several virtual hosts that work.
    pub fn is_typed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Action::EndProcess { .. }))
            || (self.steps.iter().any(Action::interrupts) && self.blast.sites.len() > SITES_AT_ONCE)
    }
}
