//! Packet filters: rule sets as nft(8) and iptables-save(8) print them, and which rule would hit
//! a new connection to an upstream. The first rule that matches wins, as in the kernel; what is
//! not understood never counts as a hit.

mod condition;
mod iptables;
mod model;
mod nft;
mod nft_match;
mod read;

pub use condition::{Packet, Path};
pub use model::{Hit, Ruleset};
pub use read::{Unreadable, describe, read};
