//! Landlock: no file, no TCP, no signal and no abstract socket beyond what is open already.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};

use crate::session::kiosk::LockFact;

/// What is asked for: signals and abstract sockets are part of it since Linux 6.12. A later kernel
/// has more, which seccomp denies already.
const WANTED: ABI = ABI::V6;
/// Its name in the list.
const PART: &str = "Landlock";

/// Denies this thread, and all that it starts, everything that the kernel's Landlock knows. There
/// is no rule that allows a thing: what is open stays open, nothing else is opened. An early
/// Landlock knows files alone; that seccomp then keeps the rest by itself is said.
pub(super) fn shut() -> LockFact {
    match restrict() {
        Ok((RulesetStatus::FullyEnforced, landlock)) => {
            let version = version(&landlock);
            LockFact::held(PART, format!("no file, TCP, signal or abstract socket{version}"))
        }
        Ok((RulesetStatus::PartiallyEnforced, landlock)) => match left_out(&landlock) {
            Some(rest) => LockFact::held(
                PART,
                format!("no file{}; {rest} by seccomp alone", version(&landlock)),
            ),
            None => LockFact::missing(PART, "the kernel does not say how much of it there is"),
        },
        Ok((RulesetStatus::NotEnforced, _)) => {
            LockFact::missing(PART, "the kernel does not have it")
        }
        Err(error) => LockFact::missing(PART, error),
    }
}

fn restrict() -> Result<(RulesetStatus, LandlockStatus), RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()?
        .restrict_self()?;
    Ok((status.ruleset, status.landlock))
}

/// What of the list the kernel's Landlock does not know yet.
const fn left_out(status: &LandlockStatus) -> Option<&'static str> {
    match status {
        LandlockStatus::Available { effective_abi: ABI::V1 | ABI::V2 | ABI::V3, .. } => {
            Some("TCP, signals and abstract sockets")
        }
        LandlockStatus::Available { effective_abi: ABI::V4 | ABI::V5, .. } => {
            Some("signals and abstract sockets")
        }
        _ => None,
    }
}

fn version(status: &LandlockStatus) -> String {
    match status {
        LandlockStatus::Available { effective_abi, .. } => {
            format!(" (ABI {})", *effective_abi as i32)
        }
        _ => String::new(),
    }
}
