//! The whole way, where it breaks, and why.

use crate::{
    diagnosis::{Finding, UpstreamRow},
    evidence::topology::{Chain, Peer, PeerState, chain_of},
    observation::UpstreamId,
    session::{Shown, figures::count, page::Tone, states::Restarts},
};

use super::{Link, LinkState, behind, front, next, should::should};

/// The way of a request through one upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Its links, from the gateway on.
    pub links: Vec<Link>,
    /// Index of the link that does not hold: the first broken one, else the first strained one.
    pub breaks: Option<usize>,
    /// Why it does not hold, in a few words; empty where it does.
    pub reason: String,
    /// How it is, in a sentence. Times are in UTC.
    pub why: (Tone, String),
    /// The cause that was found for it, with its confidence.
    pub cause: Option<(String, &'static str)>,
    /// What should be there and who is close by: label, meaning and words.
    pub should: Vec<(&'static str, Tone, String)>,
    /// Other addresses behind the same upstream, each with how it is.
    pub others: Vec<(LinkState, String)>,
}

/// The way through an upstream; `None` when it is gone.
pub fn way(shown: &Shown<'_>, id: &UpstreamId) -> Option<Way> {
    let row = shown.diagnosis.upstreams.iter().find(|row| row.id == *id)?;
    let chain = chain_of(shown.case, &row.gateway, id)?;
    let restarts = Restarts::new(shown);
    let at = worst(&chain);
    let peer = at.and_then(|at| chain.peers.get(at));
    let mut links =
        vec![front::gateway(shown, chain.gateway), front::route(&chain), front::upstream(&chain)];
    match peer {
        Some(peer) => {
            links.push(behind::listener(peer));
            links.push(behind::process(peer));
            links.push(behind::owner(shown, &restarts, peer));
        }
        None => links.extend(
            ["listener", "process", "unit"]
                .map(|name| Link::new(name, "not known").is(LinkState::Absent, "")),
        ),
    }
    links.extend(next::gateway(shown, &chain));
    let breaks = breaks(&mut links, row);
    let finding = shown.diagnosis.findings.iter().find(|f| f.subject.upstreams.contains(id));
    let broken = breaks.and_then(|at| links.get(at));
    let reason = broken.map_or_else(String::new, |link| reason(row, link, peer));
    let why = why(row, (broken, &reason), finding);
    let others = chain.peers.iter().enumerate().filter(|(other, _)| Some(*other) != at);
    let others =
        others.map(|(_, peer)| (state(peer.state), format!("{}: {}", peer.address, peer.reason)));
    let others = others.take(OTHERS).collect();
    let should = match peer {
        Some(peer) if breaks.is_some() => should(shown, &restarts, peer),
        _ => Vec::new(),
    };
    let cause = finding.map(|f| (f.summary.clone(), f.confidence.as_str()));
    Some(Way { links, breaks, reason, why, cause, should, others })
}

/// Other addresses that are listed.
const OTHERS: usize = 6;

/// The address that is shown: the one that is worst off, unless nothing is known to be wrong.
fn worst(chain: &Chain<'_>) -> Option<usize> {
    let of = |state: PeerState| chain.peers.iter().position(|peer| peer.state == state);
    of(PeerState::Down)
        .or_else(|| of(PeerState::Strained))
        .or_else(|| of(PeerState::Up))
        .or_else(|| (!chain.peers.is_empty()).then_some(0))
}

const fn state(peer: PeerState) -> LinkState {
    match peer {
        PeerState::Up => LinkState::Good,
        PeerState::Strained => LinkState::Strained,
        PeerState::Unknown => LinkState::Unknown,
        PeerState::Down => LinkState::Broken,
    }
}

/// Where it breaks. An upstream that is down breaks somewhere, also where no link alone tells.
fn breaks(links: &mut [Link], row: &UpstreamRow) -> Option<usize> {
    let of = |links: &[Link], state| links.iter().position(|link| link.state == state);
    if let Some(at) = of(links, LinkState::Broken) {
        return Some(at);
    }
    if row.state == "down" {
        let at = of(links, LinkState::Strained).unwrap_or(3);
        let link = links.get_mut(at)?;
        link.state = LinkState::Broken;
        return Some(at);
    }
    let at = of(links, LinkState::Strained)?;
    // A unit that is on its way down or up while its socket answers is no break.
    (row.state != "up" || at < 5).then_some(at)
}

fn why(
    row: &UpstreamRow,
    (broken, reason): (Option<&Link>, &str),
    finding: Option<&Finding>,
) -> (Tone, String) {
    let errors = match row.errors {
        0 => String::new(),
        1 => " 1 error line names it.".to_owned(),
        n => format!(" {} error lines name it.", count(n)),
    };
    let Some(link) = broken else {
        return match row.state {
            "up" if finding.is_some() => {
                (Tone::Warn, format!("Every link holds, and requests fail all the same.{errors}"))
            }
            "up" if row.errors > 0 => (Tone::Warn, format!("Every link holds now.{errors}")),
            "up" => (Tone::Good, "Every link holds.".to_owned()),
            _ => {
                (Tone::Warn, format!("It cannot be told whether it holds: {}.{errors}", row.reason))
            }
        };
    };
    let lead = if link.state == LinkState::Broken { "It breaks" } else { "It is strained" };
    (link.state.tone(), format!("{lead} at the {}: {reason}.{errors}", link.name))
}

fn reason(row: &UpstreamRow, link: &Link, peer: Option<&Peer<'_>>) -> String {
    match link.name {
        "gateway" => format!("it is {}", link.word),
        "upstream" | "listener" | "process" => {
            peer.map_or(row.reason.as_str(), |peer| peer.reason).to_owned()
        }
        _ => format!("{}: {}", link.head, link.word),
    }
}
