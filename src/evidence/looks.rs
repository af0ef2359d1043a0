//! Who has looked already. What a source has not looked at yet is unknown: that it was silent so far
//! proves nothing, neither that there is no error line nor that nobody listens.

use crate::observation::{GatewayId, Moment, SourceId};

use super::CaseFile;

/// Nobody is waited for longer than this after a gateway was found, microseconds: a source that
/// hangs says that it is blind before, and one that is gone must not hold up the rest.
const PATIENCE: u64 = 2_000_000;

/// Sources that every session has.
const ALWAYS: [SourceId; 6] = [
    SourceId::Gateways,
    SourceId::Listeners,
    SourceId::Processes,
    SourceId::SocketFiles,
    SourceId::Probes,
    SourceId::Logs,
];
/// Those that a session has which looks at the whole machine.
const OF_THE_MACHINE: [SourceId; 4] =
    [SourceId::Units, SourceId::Journal, SourceId::Kernel, SourceId::Docker];

/// When a gateway was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// When.
    pub at: Moment,
    /// The newest generation of attention that anybody had swept by then: it did not ask for
    /// anything of this gateway.
    pub swept: u64,
}

impl Found {
    /// A gateway that was found now.
    pub(super) fn now(case: &CaseFile, at: Moment) -> Self {
        Self { at, swept: case.swept.values().copied().max().unwrap_or(0) }
    }
}

/// Sources that have not looked yet at what was asked for when a gateway was found; without a
/// gateway, when any of them was. Once a source has looked it is not waited for again: what it
/// watches then changes one by one.
///
/// It depends on what was seen and not on when it was diagnosed, so that a recording is judged as the
/// session was. A case of which nobody ever said that something has been swept is complete as it is.
pub fn awaited(case: &CaseFile, gateway: Option<&GatewayId>) -> Vec<SourceId> {
    if case.swept.is_empty() {
        return Vec::new();
    }
    let open = |found: &&Found| case.now.boot.0.saturating_sub(found.at.boot.0) < PATIENCE;
    let all = case.found.iter().filter(|(id, _)| gateway.is_none_or(|one| one == *id));
    let Some(base) = all.map(|(_, found)| found).filter(open).map(|found| found.swept).max() else {
        return Vec::new();
    };
    let machine = OF_THE_MACHINE.iter().any(|id| case.heard.contains_key(id));
    let expected = |id: SourceId| {
        ALWAYS.contains(&id)
            || (machine && OF_THE_MACHINE.contains(&id))
            || case.heard.contains_key(&id)
    };
    // What changed lately and what old logs say may take long, and never decides.
    let decides = |id: SourceId| !matches!(id, SourceId::Triage | SourceId::Changes);
    let missing = |id: &SourceId| case.swept.get(id).is_none_or(|swept| *swept <= base);
    SourceId::ALL.into_iter().filter(|id| decides(*id) && expected(*id)).filter(missing).collect()
}
