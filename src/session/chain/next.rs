//! The link to a further gateway behind, where gateways stand in a row.

use crate::{
    evidence::topology::{Chain, inner_gateway},
    session::{Shown, page::Tone},
};

use super::{Link, LinkState};

/// Upstreams of the further gateway that are listed.
const LISTED: usize = 4;

/// The gateway that stands behind an upstream, with what stands behind that one.
pub(super) fn gateway(shown: &Shown<'_>, chain: &Chain<'_>) -> Option<Link> {
    let inner = inner_gateway(shown.case, chain)?;
    let all: Vec<_> = shown.diagnosis.upstreams.iter().filter(|r| r.gateway == inner.id).collect();
    let down = all.iter().filter(|row| row.state == "down").count();
    let head = format!("{} passes on further", inner.kind.as_str());
    let (state, word) = match (all.len(), down) {
        (0, _) => (LinkState::Absent, "to nothing that is known".to_owned()),
        (all, 0) => {
            (LinkState::Good, format!("to {all} upstream{}", if all == 1 { "" } else { "s" }))
        }
        (all, down) if all == down && all == 1 => {
            (LinkState::Broken, "its upstream is down".to_owned())
        }
        (all, down) if all == down => (LinkState::Broken, format!("all {all} upstreams are down")),
        (all, down) => (LinkState::Strained, format!("{down} of {all} upstreams are down")),
    };
    let mut link = Link::new("next gateway", head).is(state, word);
    // What is down first.
    let mut rows = all;
    rows.sort_by_key(|row| row.state != "down");
    for row in rows.iter().take(LISTED) {
        let tone = if row.state == "down" { Tone::Bad } else { Tone::Plain };
        link.toned(tone, format!("{}: {}", row.address, row.state));
    }
    if rows.len() > LISTED {
        link.toned(Tone::Muted, format!("and {} more", rows.len().saturating_sub(LISTED)));
    }
    link.toned(Tone::Muted, inner.config.to_string());
    Some(link)
}
