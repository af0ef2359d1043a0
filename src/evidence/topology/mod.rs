//! Who proxies to whom, and what stands behind: the chain from a configuration line to a unit or
//! container, joined from what every source saw.

mod behind;
mod candidates;
mod chain;
mod index;
mod inner;
mod names;
mod programs;

pub(crate) use behind::inner_port;
pub use candidates::{Candidate, Nearby, Nearness};
pub use chain::{Chain, Listening, Peer, PeerState, chain_of, chains, chains_of};
pub use inner::{inner_gateway, next_gateway};
