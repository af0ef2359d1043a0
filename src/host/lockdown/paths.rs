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
/// is no rule that allows a thing: what is open stays open, nothing else is opened.
pub(super) fn shut() -> LockFact {
    match restrict() {
        Ok((RulesetStatus::FullyEnforced, landlock)) => {
            let version = version(&landlock);
            LockFact::held(PART, format!("no file, TCP, signal or abstract socket{version}"))
        }
        Ok((RulesetStatus::PartiallyEnforced, landlock)) => LockFact::missing(
            PART,
            format!("the kernel has only a part of it{}", version(&landlock)),
        ),
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

fn version(status: &LandlockStatus) -> String {
    match status {
        LandlockStatus::Available { effective_abi, .. } => {
            format!(" (ABI {})", *effective_abi as i32)
        }
        _ => String::new(),
    }
}
