//! What should be there where a way breaks.

use crate::{
    evidence::topology::{Nearness, Peer},
    session::{
        Shown,
        page::Tone,
        states::{self, Restarts},
    },
};

/// Candidates and neighbours that are named.
const NAMED: usize = 3;

/// Who should serve the address, and who listens close by: a label and words, each.
pub(super) fn should(
    shown: &Shown<'_>,
    restarts: &Restarts,
    peer: &Peer<'_>,
) -> Vec<(&'static str, Tone, String)> {
    let mut lines = Vec::new();
    for candidate in peer.candidates.iter().take(NAMED) {
        let (name, state) = match (candidate.unit, candidate.container) {
            (Some(unit), _) => (unit.name.to_string(), states::unit(shown, restarts, unit)),
            (None, Some(container)) => {
                let name = format!("container {}", container.name);
                (name, states::container(shown, restarts, container))
            }
            (None, None) => continue,
        };
        let why = candidate.claim.map_or_else(
            || "the only one left".to_owned(),
            |claim| format!("{} says so", claim.origin),
        );
        let text = format!("{name} ({} {}): {why}", state.mark, state.word);
        lines.push(("should be", Tone::Warn, text));
    }
    for near in peer.nearby.iter().take(NAMED) {
        let who = near.process.map(|p| format!(" ({})", p.name)).unwrap_or_default();
        let how = match near.nearness {
            Nearness::SamePort => ", the same port on another address",
            Nearness::SameDirectory => ", in the same directory",
            Nearness::SameProgram => ", of the program that should serve this",
            Nearness::OtherPort => ", another port",
        };
        let used = if near.used { "; something else uses it already" } else { "" };
        let text = format!("{}{who} listens{how}{used}", near.listener.address);
        lines.push(("close by", Tone::Plain, text));
    }
    let more = peer.nearby.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(("", Tone::Muted, format!("and {more} more listen close by: Enter")));
    }
    lines
}
