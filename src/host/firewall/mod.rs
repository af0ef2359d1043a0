//! Packet filters: rule sets as nft(8) and iptables-save(8) print them, and which rule would hit
//! a new connection to an upstream. The first rule that matches wins, as in the kernel; what is
//! not understood never counts as a hit.

mod iptables;
mod model;
mod nft;
mod read;

pub use model::{Hit, Packet, Path, Ruleset};
pub use read::{Unreadable, describe, read};
